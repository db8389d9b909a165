"""What a run was told to do, read from its document: the same facts as its plan, without asking anybody."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

_MOST = 400  # lines: nobody reads more of one document


class Order(NamedTuple):
    """One line. `kind`: fact, host, command or problem."""

    kind: str
    label: str
    text: str


def orders(pieces: Sequence[str]) -> tuple[Order, ...]:
    """The lines of a document that came in `pieces`; one line that says so where it is none. Never raises."""
    if not pieces:
        return ()
    try:
        body = json.loads("".join(pieces))
    except (ValueError, RecursionError) as error:
        return (Order("problem", "document", f"cannot be read: {error}"),)
    if not isinstance(body, Mapping):
        return (Order("problem", "document", "is not an object"),)
    return tuple([*_facts(body), *_hosts(body)][:_MOST])


def _facts(body: Mapping[str, Any]) -> Iterable[Order]:
    names = _words(body.get("sources"))
    if names:
        yield Order("fact", "sources", ", ".join(names))
    goal = body.get("destination")
    if isinstance(goal, Mapping):
        yield Order("fact", "destination", f"{goal.get('node', '')}: {goal.get('path', '')}")
    for one in _mappings(body.get("datasets")):
        paths = " ".join(_words(one.get("paths")))
        yield Order("fact", "dataset", f"{one.get('name', '')}: {paths} ({one.get('count', '')})")
    for label in ("limits", "options"):
        said = body.get(label)
        if isinstance(said, Mapping):
            shown = [f"{name} {_value(value)}" for name, value in said.items() if value not in (None, [], "")]  # fmt: skip
            if shown:
                yield Order("fact", label, ", ".join(shown))


def _hosts(body: Mapping[str, Any]) -> Iterable[Order]:
    hosts = body.get("hosts")
    for name, host in hosts.items() if isinstance(hosts, Mapping) else ():
        if not isinstance(host, Mapping):
            continue
        yield Order("host", str(name), f"root {host.get('root', '~')}")
        if host.get("problem"):
            yield Order("problem", "", str(host["problem"]))
        else:
            argv = _words(host.get("ssh"))
            yield Order("command", "", shlex.join(argv) if argv else "this machine: no ssh")


def _words(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
