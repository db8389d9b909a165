"""`workers list`, `workers show`, `workers presets`."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING

from console import formatting
from console.cli import exits, shapes
from console.cli.connect import filter_of, settings_of
from console.cli.output import print_json, print_line, print_table
from console.cli.workers import fleet
from console.fleet.workers import WorkerView, words
from console.operations.recipes import shown
from workers.protocol import WorkerDetails

if TYPE_CHECKING:
    from console.runtime import Runtime
    from console.settings.presets import PresetSettings

_COLUMNS = (
    "worker", "node", "state", "health", "since", "restarts", "progress", "per min", "pid", "run", "why",
)  # fmt: skip
_RIGHT = ("since", "restarts", "per min", "pid")
_PRESET_COLUMNS = ("preset", "nodes", "copies", "gpus", "restart", "command")


async def run(options: Namespace) -> int:
    if options.verb == "presets":
        return _presets(options)
    return await (_list(options) if options.verb == "list" else _show(options))


JOB = "job"  # `jobs list` shows those


# ---------------------------------------------------------------- list


async def _list(options: Namespace) -> int:
    wanted = filter_of(options)
    async with fleet.told(options) as runtime:
        nodes = fleet.nodes_wanted(options, runtime)
        store = runtime.store
        names = [n for n in nodes if wanted.matches(store.nodes[n], store.alerts)]
        # Each run once: two entries of one machine tell of the same runs.
        views = {v.record.run_id: v for name in reversed(names) for v in store.workers_of(name)}
        in_order = (views[v.record.run_id] for name in names for v in store.workers_of(name))
        kept = [
            view
            for view in {view.key: view for view in in_order}.values()
            if options.all or (view.newest and view.record.kind != JOB)
        ]
        if options.json:
            print_json({"schema": shapes.SCHEMA, "workers": [shapes.worker(v) for v in kept]})
        else:
            print_table(_COLUMNS, [_row(view) for view in kept], _RIGHT)
        return exits.UNREACHABLE if fleet.say_silent(runtime) else exits.DONE


def _row(view: WorkerView) -> list[str]:
    record = view.record
    return [
        record.name,
        view.node,
        words.actual(record),
        "" if not view.live else words.health_word(view.health),
        formatting.age(view.since_s),
        str(record.restarts or ""),
        _progress(view),
        "" if view.per_minute is None else words.per_minute(view.per_minute),
        str(record.pid or ""),
        record.run_id[:12],
        view.reason,
    ]


def _progress(view: WorkerView) -> str:
    progress = view.record.progress
    if progress is None or progress.done is None:
        return progress.message if progress else ""
    total = "" if progress.total is None else f"/{formatting.count(int(progress.total))}"
    return f"{formatting.count(int(progress.done))}{total} {progress.unit}".strip()


# ---------------------------------------------------------------- show


async def _show(options: Namespace) -> int:
    async with fleet.told(options) as runtime:
        targets = fleet.find(options, runtime)
        described = await asyncio.gather(*(runtime.workers.describe(one) for one in targets))
        views = fleet.views_of(runtime, targets)
        for view, details in zip(views, described, strict=True):
            if options.json:
                print_json(shapes.worker_details(view, details))
            else:
                _print_details(runtime, view, details)
    return exits.DONE


def _print_details(runtime: Runtime, view: WorkerView, details: WorkerDetails) -> None:
    record = details.record
    print_line(f"{record.name}@{view.node}: {view.sentence}", "bold")
    print_line(f"  command   {shown(details.spec, record.command)}")
    print_line(f"  run       {record.run_id}, attempt {record.attempt}, in {details.directory}")
    for label, value in (
        ("preset", record.preset),
        ("gpus", ", ".join(map(str, record.gpu_indices))),
        ("wanted", f"{record.desired}, by {record.by}" if record.by else ""),
        ("flags", ", ".join(record.flags)),
        ("warning", "; ".join(record.warnings)),
        ("last line", record.last_line),
    ):
        if value:
            print_line(f"  {label:9} {value}")
    for event in details.events:
        print_line(f"  {words.moment(event.clock)}  {event.text}")
    for process in details.processes:
        print_line(f"  process   {process}")


# ---------------------------------------------------------------- presets


def _presets(options: Namespace) -> int:
    presets = settings_of(options).settings.presets
    if options.json:
        print_json({"schema": shapes.SCHEMA, "presets": [shapes.preset(one) for one in presets]})
    else:
        print_table(_PRESET_COLUMNS, [_preset_row(one) for one in presets], ("copies", "gpus"))
        if not presets:
            print_line("none; config/workers.yaml says how they are written")
    return exits.DONE


def _preset_row(preset: PresetSettings) -> list[str]:
    return [
        preset.name,
        preset.nodes,
        str(preset.copies),
        str(preset.gpus),
        preset.restart.policy,
        words.command_line(preset.command),
    ]
