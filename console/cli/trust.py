"""`quarterdeck nodes trust`: shows the host key of a node, and trusts it when a person has compared it."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING

from console.cli import exits, shapes
from console.cli.connect import opened, wait_for
from console.cli.output import print_json, print_line
from console.cli.prompting import confirm
from console.errors import LinkError, Refused
from console.fleet.model import Attention, Connecting, Down, HostKey, LinkState, ProblemKind, Up

if TYPE_CHECKING:
    from console.runtime import Runtime

_MOST_KEYS = 8  # the node's own and those of the machines on the way


def run(options: Namespace) -> int:
    """Trusts one key after another until the node is up or something else is wrong."""
    return asyncio.run(_trust(options))


async def _trust(options: Namespace) -> int:
    trusted: list[HostKey] = []
    async with opened(options, [options.node]) as runtime:
        (name,) = runtime.store.nodes
        seen: LinkState | None = None
        for _ in range(_MOST_KEYS):
            key = await _shown_key(runtime, name, seen)
            if key is None:
                break
            await _compare(options, key)
            seen = runtime.store.nodes[name].link
            await runtime.nodes.trust(name, key)
            trusted.append(key)
        state = runtime.store.nodes[name].state
        reason = runtime.store.nodes[name].reason
    if options.json:
        keys = [{"name": key.name, "fingerprint": key.fingerprint} for key in trusted]
        print_json({"schema": shapes.SCHEMA, "node": name, "state": state, "trusted": keys})
        return exits.DONE
    for key in trusted:
        print_line(f"trusted: {key.name} {key.algorithm} {key.fingerprint}")
    if not trusted:
        print_line(f"{name} shows no key that waits for trust")
    print_line(f"{name}: {state}" + (f": {reason}" if reason else ""))
    return exits.DONE


async def _shown_key(runtime: Runtime, name: str, seen: LinkState | None) -> HostKey | None:
    """The key that waits for trust, after the link was `seen`; None where none does. Raises LinkError, Refused."""
    store = runtime.store

    def answered() -> bool:
        link = store.nodes[name].link
        return link is not seen and not isinstance(link, Connecting)

    await wait_for(runtime, answered)
    link = store.nodes[name].link
    if isinstance(link, Up):
        return None
    if isinstance(link, (Down, Attention)):
        problem = link.problem
        if problem.kind is ProblemKind.HOST_KEY_UNKNOWN and problem.host_key is not None:
            return problem.host_key
        if problem.kind in (ProblemKind.HOST_KEY_CHANGED, ProblemKind.HOST_KEY_REVOKED):
            raise Refused(f"{name}: {problem.text}\n{problem.remedy}")
        if isinstance(link, Attention):
            return None
        raise LinkError(problem)
    return None


async def _compare(options: Namespace, key: HostKey) -> None:
    if options.fingerprint is not None:
        if options.fingerprint.strip() != key.fingerprint:
            raise Refused(
                f"{key.name} shows {key.fingerprint}, not {options.fingerprint}: not trusted"
            )
        return
    print_line(f"{key.name} shows the {key.algorithm} key")
    print_line(f"  {key.fingerprint}")
    print_line("Compare it with what the machine's owner or console says, then type trust.")
    await confirm("trust it?", "trust", "--fingerprint")
