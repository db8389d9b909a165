"""`workers orphans|adopt|clear`."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from console.cli import exits, shapes
from console.cli.connect import opened, reachable
from console.cli.output import complain, print_json, print_line, print_table
from console.cli.prompting import confirm
from console.cli.workers import fleet
from console.errors import LinkError, Refused, UsageError
from console.fleet.model import Problem, ProblemKind
from workers.protocol import Orphan

if TYPE_CHECKING:
    from console.runtime import Runtime

_COLUMNS = ("node", "id", "kind", "pid", "name", "what", "why", "can be done")


async def run(options: Namespace) -> int:
    if options.verb == "orphans":
        return await _list(options)
    if getattr(options, "read_only", False):
        raise Refused(f"workers {options.verb}: this console is read-only; nothing was done")
    async with opened(options, [options.node]) as runtime:
        node = (await reachable(runtime)).name
        return await (_adopt if options.verb == "adopt" else _clear)(options, runtime, node)


async def _list(options: Namespace) -> int:
    async with fleet.told(options) as runtime:
        nodes = fleet.nodes_wanted(options, runtime)
        reports, silent = await runtime.workers.orphans(nodes)
    found = [
        (node, orphan) for node in nodes if node in reports for orphan in reports[node].orphans
    ]
    if options.json:
        print_json(_shape(found, reports, silent))
    else:
        print_table(_COLUMNS, [_row(node, orphan) for node, orphan in found], ("pid",))
        if not found and not silent:
            print_line("there are none")
    for node, report in reports.items():
        for missing in report.missing:
            complain(f"{node}: not looked at: {missing}")
    for node, why in silent.items():
        complain(f"{node} could not be asked: {why}")
    return exits.UNREACHABLE if silent else exits.DONE


def _shape(found: list[tuple[str, Orphan]], reports: Any, silent: Any) -> dict[str, Any]:
    return {
        "schema": shapes.SCHEMA,
        "orphans": [{"node": node, **orphan._asdict()} for node, orphan in found],
        "incomplete": {n: list(r.missing) for n, r in reports.items() if not r.complete},
        "unreachable": dict(silent),
    }


def _row(node: str, orphan: Orphan) -> list[str]:
    return [
        node,
        orphan.orphan_id,
        orphan.kind,
        str(orphan.pid or ""),
        orphan.name,
        orphan.path or orphan.command,
        orphan.why,
        ", ".join(orphan.acts),
    ]


async def _orphans_of(runtime: Runtime, node: str) -> tuple[Orphan, ...]:
    reports, silent = await runtime.workers.orphans([node])
    if node in silent:
        raise LinkError(Problem(ProblemKind.UNREACHABLE, silent[node]))
    return reports[node].orphans


async def _adopt(options: Namespace, runtime: Runtime, node: str) -> int:
    """One of the orphans, or any process of the node."""
    found = await _orphans_of(runtime, node)
    orphan = next((o for o in found if o.pid == options.pid and "adopt" in o.acts), None)
    if orphan is None:
        orphan = await _process(runtime, node, options.pid)
    record = await runtime.workers.adopt(node, orphan, options.name)
    if options.json:
        shown = {"name": record.name, "node": node, "run_id": record.run_id, "pid": record.pid}
        print_json({"schema": shapes.SCHEMA, "adopted": shown})
    else:
        print_line(f"{record.name}@{node}: watched from now on (run {record.run_id[:12]})")
    return exits.DONE


async def _process(runtime: Runtime, node: str, pid: int) -> Orphan:
    for one in (await runtime.processes.list(node)).processes:
        if one.pid == pid:
            why = "a process of the node"
            return Orphan(
                "", "unrecorded", why, ("adopt",), pid, one.start_ticks, one.user, one.command
            )
    raise Refused(f"{node} has no process {pid}; nothing was done")


async def _clear(options: Namespace, runtime: Runtime, node: str) -> int:
    found = {orphan.orphan_id: orphan for orphan in await _orphans_of(runtime, node)}
    orphan = found.get(options.id)
    if orphan is None:
        raise UsageError(f"{node} has no orphan '{options.id}'; `workers orphans` lists them")
    acts = [act for act in orphan.acts if act != "adopt"]
    act = options.act or (acts[0] if len(acts) == 1 else "")
    if act not in acts:
        raise UsageError(f"wanted what is to be done: {', '.join(acts) or 'nothing is offered'}")
    if act in ("stop", "kill") and not options.yes:
        print_line(f"{orphan.pid or ''} {orphan.command or orphan.path}: {orphan.why}".strip())
        await confirm(f"{act} it on {node}?")
    said = await runtime.workers.clear(node, orphan, act)
    if options.json:
        print_json({"schema": shapes.SCHEMA, "node": node, "act": act, "text": said})
    else:
        print_line(said or f"{act}: done")
    return exits.DONE
