"""Which nodes a setting is for: `*`, `gpu-1`, `gpu-*`, `tag:selfplay`, several at once, `!` takes out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_TERM = re.compile(r"!?(tag:)?[A-Za-z0-9*?:\[][A-Za-z0-9*?:._\[\]-]*")


def selects(selector: str, name: str, tags: Iterable[str]) -> bool:
    """True where `selector` takes the node: any of its terms does, and none with `!` does.

    Only terms with `!`: all nodes but those. Terms are separated by commas or blanks.
    """
    owned = frozenset(tags)
    wanted, unwanted = _terms(selector)
    if any(_matches(term, name, owned) for term in unwanted):
        return False
    return not wanted or any(_matches(term, name, owned) for term in wanted)


def checked_selector(selector: str) -> str:
    """`selector` where every term can be read. Raises ValueError."""
    terms = selector.replace(",", " ").split()
    if not terms:
        raise ValueError("wanted a selector such as '*', 'gpu-1', 'gpu-*' or 'tag:selfplay'")
    for term in terms:
        if not _TERM.fullmatch(term) or term.endswith("tag:"):
            raise ValueError(f"'{term}' is no selector; wanted a name, a pattern or tag:NAME")
    return selector


def _terms(selector: str) -> tuple[list[str], list[str]]:
    wanted: list[str] = []
    unwanted: list[str] = []
    for term in selector.replace(",", " ").split():
        (unwanted if term.startswith("!") else wanted).append(term.removeprefix("!"))
    return wanted, unwanted


def _matches(term: str, name: str, tags: frozenset[str]) -> bool:
    if term.startswith("tag:"):
        return any(fnmatchcase(tag, term.removeprefix("tag:")) for tag in tags)
    return term == name or fnmatchcase(name, term)
