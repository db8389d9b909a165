"""`quarterdeck nodes`: the machines. list and add dial nobody; check says in words what is wrong."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from console import formatting
from console.cli import exits, shapes
from console.cli.connect import filter_of, opened, reachable, refuse_demo, settings_of
from console.cli.output import complain, print_json, print_line, print_table
from console.cli.prompting import confirm
from console.fleet.model import NodeSpec, Transport

if TYPE_CHECKING:
    from console.operations.check import CheckReport
    from console.operations.code_versions import CodeVersion
    from console.runtime import Runtime

    Versions = Mapping[str, Mapping[str, CodeVersion]]  # by node and repository

_COLUMNS = ("name", "address", "user", "port", "jump", "tags", "root", "datasets", "sync", "code")
_GLYPHS = {"ok": "ok", "note": "note", "warning": "WARNING", "error": "ERROR"}


def run(options: Namespace) -> int:
    """list, add, remove, forget, check, trust, provision or uninstall."""
    if options.verb == "list":
        return _list(options)
    if options.verb == "trust":
        from console.cli.trust import run as trust

        return trust(options)
    if options.verb == "provision":
        from console.cli.provision import run as provision

        return asyncio.run(provision(options))
    verbs: dict[str, Callable[[Namespace], Awaitable[int]]] = {
        "add": _add,
        "remove": _remove,
        "forget": _forget,
        "check": _check,
        "uninstall": _uninstall,
    }

    async def act() -> int:
        return await verbs[options.verb](options)

    return asyncio.run(act())


# ---------------------------------------------------------------- without a link


def _list(options: Namespace) -> int:
    from console.operations.code_versions import CodeVersions

    specs, off = _listed(options)
    versions = CodeVersions().all() if not getattr(options, "demo", False) else {}
    if options.json:
        shown = [
            {**_shape(spec, versions), "sync_disabled": bool(off(spec.name))} for spec in specs
        ]
        print_json({"schema": shapes.SCHEMA, "nodes": shown})
        return exits.DONE
    print_table(_COLUMNS, [_row(spec, versions, off(spec.name)) for spec in specs], ("port",))
    return exits.DONE


def _listed(options: Namespace) -> tuple[tuple[NodeSpec, ...], Callable[[str], str]]:
    """The nodes, and why nothing is synced from one or to it."""
    if getattr(options, "demo", False):
        from console.demo.fleet import specs
        from console.demo.machines import MACHINES

        return specs(len(MACHINES)), lambda name: ""
    loaded = settings_of(options)
    return loaded.specs(), loaded.settings.sync_off


def _shape(spec: NodeSpec, versions: Versions) -> dict[str, Any]:
    return {
        "name": spec.name,
        "transport": spec.transport.value,
        "address": spec.address,
        "user": spec.user,
        "port": spec.port,
        "identity": spec.identity,
        "jump": spec.jump,
        "tags": list(spec.tags),
        "root": spec.root,
        "datasets": [watch.name for watch in spec.expected_datasets],
        "code": [
            {"repo": repo, **asdict(version)}
            for repo, version in versions.get(spec.name, {}).items()
        ],
    }


def _row(spec: NodeSpec, versions: Versions, off: str) -> list[str]:
    address = "this machine" if spec.transport is Transport.LOCAL else spec.address or spec.name
    datasets = ", ".join(watch.name for watch in spec.expected_datasets)
    port = str(spec.port or "")
    tags = ", ".join(spec.tags)
    user, jump = spec.user or "", spec.jump or ""
    code = ", ".join(version.words for version in versions.get(spec.name, {}).values())
    sync = "disabled" if off else ""
    return [spec.name, address, user, port, jump, tags, spec.root, datasets, sync, code]


def spec_from(options: Namespace) -> NodeSpec:
    """The node that `nodes add` describes. Raises UsageError."""
    from console.settings.hosts import parse_host

    spec = parse_host(options.node)
    given = {
        "name": options.name,
        "address": options.address,
        "user": options.user,
        "port": options.port,
        "identity": options.identity,
        "jump": options.jump,
    }
    named = {key: value for key, value in given.items() if value is not None}
    return replace(spec, **named, tags=tuple(options.tag), root=options.root)


async def _act(options: Namespace, act: Callable[[Runtime], Awaitable[Any]]) -> Any:
    """Without dialling anybody."""
    from console.runtime import Runtime

    async with Runtime(settings_of(options), ()) as runtime:
        return await act(runtime)


async def _add(options: Namespace) -> int:
    refuse_demo(options, "nodes add")
    spec = spec_from(options)
    await _act(options, lambda runtime: runtime.nodes.add(spec))
    _say(options, "added", spec.name)
    return exits.DONE


async def _remove(options: Namespace) -> int:
    refuse_demo(options, "nodes remove")
    doubt = ""

    async def remove(runtime: Runtime) -> bool:
        nonlocal doubt
        detached = await runtime.nodes.remove(options.node, options.force)
        doubt = "" if options.force else runtime.ledger.refuse_remembered(options.node)
        return detached

    detached = await _act(options, remove)
    _say(options, "removed", options.node)
    if doubt:
        complain(doubt)
    if detached:
        complain(
            f"workers live on {options.node}: it stays listed as detached; "
            f"`nodes forget {options.node}` ends that, `nodes add` brings it back"
        )
    return exits.DONE


async def _forget(options: Namespace) -> int:
    refuse_demo(options, "nodes forget")
    async with opened(options) as runtime:
        node = runtime.store.nodes.get(options.node)
        if node is not None and node.state == "detached" and not options.yes:
            for view in runtime.store.workers_of(node.name):
                print_line(f"{view.name}: {view.sentence}")
            await confirm(f"list {node.name} no more? What runs there goes on, unseen")
        await runtime.nodes.forget(options.node, options.force)
    _say(options, "forgotten", options.node)
    return exits.DONE


def _say(options: Namespace, done: str, name: str) -> None:
    if options.json:
        print_json({"schema": shapes.SCHEMA, done: name})
    else:
        print_line(f"{done}: {name}")


# ---------------------------------------------------------------- over a link


async def _check(options: Namespace) -> int:
    wanted = filter_of(options)
    async with opened(options, options.hosts) as runtime:
        names = list(runtime.store.nodes)
        reports = await asyncio.gather(*(runtime.nodes.check(name) for name in names))
        store = runtime.store
        kept = [r for r in reports if wanted.matches(store.nodes[r.node], store.alerts)]
    if options.json:
        print_json({"schema": shapes.SCHEMA, "nodes": [_report(report) for report in kept]})
    else:
        for report in kept:
            _print_report(report)
    if any(report.state != "up" for report in kept):
        return exits.UNREACHABLE
    return exits.DONE if all(report.ok for report in kept) else exits.FAILED


def _report(report: CheckReport) -> dict[str, Any]:
    findings = [
        {"level": f.level.value, "what": f.what, "text": f.text, "remedy": f.remedy or None}
        for f in report.findings
    ]
    return {"node": report.node, "state": report.state, "ok": report.ok, "findings": findings}


def _print_report(report: CheckReport) -> None:
    print_line(f"{report.node}: {report.state}", "bold")
    for finding in report.findings:
        print_line(f"  {_GLYPHS[finding.level.value]:8}{finding.what}: {finding.text}")
        if finding.remedy:
            print_line(f"          {finding.remedy}")


async def _uninstall(options: Namespace) -> int:
    async with opened(options, [options.node]) as runtime:
        name = (await reachable(runtime)).name
        found = await runtime.nodes.uninstall(name)
        if found.paths and not options.force:
            await runtime.ledger.refuse_unsafe(name)
        if found.paths and not options.yes:
            for path in found.paths:
                print_line(f"{path}")
            question = f"remove these {formatting.size(found.bytes)} on {name}?"
            await confirm(question)
        report = found
        if found.paths:
            report = await runtime.nodes.uninstall(name, confirm=True, force=options.force)
    if options.json:
        print_json(
            {
                "schema": shapes.SCHEMA,
                "node": name,
                "removed": list(report.paths),
                "bytes": report.bytes,
                "kept": list(report.kept),
            }
        )
        return exits.DONE
    for path in report.paths:
        print_line(f"removed: {path}")
    for kept in report.kept:
        print_line(f"kept: {kept}")
    if not report.paths:
        print_line(f"{name}: there is nothing of ours")
    return exits.DONE
