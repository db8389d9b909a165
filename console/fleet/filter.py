"""The filter language: terms divided by blanks, all of which must hold; `!` before one inverts it.

gpu>90  mem>=50  disk>80  load>1      a figure (of several, as of GPUs, any)
tag:selfplay  state:down,stale        a word, or one of several
name~^gpu-[0-9]+$                     a regular expression
alert:any  alert:disk_nearly_full     an active alert: any, of a kind, or with this in its text
hex8  "two words"                     in the name, host name, tags or names of the top processes
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from console.fleet.alerts import Alert
from console.fleet.measures import MEASURES
from console.fleet.model import Node

_TERM = re.compile(
    r'(?P<bang>!*)(?P<body>(?:[^\s"!]|"[^"]*")(?:[^\s"]|"[^"]*")*)|(?P<lone>!+)(?=\s|$)|(?P<open>.+)',
    re.DOTALL,
)
_FIELD = re.compile(r"(?P<field>[A-Za-z_]\w*)(?P<op>>=|<=|>|<|=|:|~)(?P<value>.*)", re.DOTALL)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}
_ALIASES = {"memory": "mem", "hostname": "host", "process": "proc", "tags": "tag"}

Test = Callable[[Node, Iterable[Alert]], bool]


class FilterError(ValueError):
    """The filter cannot be understood; `position` is the character where, counted from 0."""

    def __init__(self, text: str, position: int) -> None:
        super().__init__(text)
        self.position = position


@dataclass(frozen=True)
class Filter:
    """A parsed filter. An empty one takes every node."""

    text: str
    tests: tuple[Test, ...] = ()

    def matches(self, node: Node, alerts: Iterable[Alert] = ()) -> bool:
        """True where every term holds for the node and its own of `alerts`."""
        if not self.tests:
            return True
        own = [alert for alert in alerts if alert.node == node.name]
        return all(test(node, own) for test in self.tests)


def parse(text: str) -> Filter:
    """The filter that `text` says. Raises FilterError."""
    tests: list[Test] = []
    invert = False
    position = 0
    while (position := _blank(text, position)) < len(text):
        match = _TERM.match(text, position)
        if match is None or match["open"]:
            raise FilterError('a quotation mark is not closed: put a " at the end', position)
        position = match.end()
        if match["lone"]:
            invert ^= len(match["lone"]) % 2 == 1
            continue
        invert ^= len(match["bang"]) % 2 == 1
        test = _term(match["body"], match.start("body"))
        tests.append(_inverted(test) if invert else test)
        invert = False
    if invert:
        raise FilterError("! needs a term after it", len(text))
    return Filter(text, tuple(tests))


def _blank(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _inverted(test: Test) -> Test:
    return lambda node, alerts: not test(node, alerts)


def _term(body: str, position: int) -> Test:
    match = None if body.startswith('"') else _FIELD.fullmatch(body)
    if match is None:
        return _plain(body.replace('"', ""))
    field, op = match["field"].lower(), match["op"]
    field = _ALIASES.get(field, field)
    value, at = match["value"].replace('"', ""), position + match.start("value")
    known = _WORDS if op in ":~" else MEASURES
    if field not in known and not (op == "=" and field in _WORDS):
        raise FilterError(_unknown(field, op), position)
    if not value:
        raise FilterError(f"{field}{op} needs a value after it", at)
    if op == "~":
        return _pattern(field, value, at)
    if op == ":" or field in _WORDS:
        return _word(field, value)
    return _figure(field, op, value, at)


def _unknown(field: str, op: str) -> str:
    if op in ":~" and field in MEASURES:
        return f"{field} is a number: compare it with >, >=, <, <= or =, as in {field}>50"
    if op not in ":~" and field in _WORDS:
        return f"{field} is a word: use {field}:… or {field}~…"
    close = get_close_matches(field, [*MEASURES, *_WORDS], 1, 0.5)
    meant = f"; did you mean {close[0]}?" if close else ""
    return f'there is no field "{field}"{meant} (quote the term to look for it as text)'


def _figure(field: str, op: str, value: str, at: int) -> Test:
    try:
        wanted = float(value.rstrip("%"))
    except ValueError:
        raise FilterError(f'{field} is compared with a number, not "{value}"', at) from None
    measure, compare = MEASURES[field], _COMPARE[op]
    return lambda node, _alerts: any(compare(figure, wanted) for figure in measure(node))


def _pattern(field: str, value: str, at: int) -> Test:
    try:
        pattern = re.compile(value, re.IGNORECASE)
    except re.error as error:
        where = at + (error.pos or 0)
        raise FilterError(f"not a regular expression: {error.msg}", where) from None
    words = _WORDS[field]
    return lambda node, alerts: any(pattern.search(word) for word in words(node, alerts))


def _word(field: str, value: str) -> Test:
    wanted = [part.casefold() for part in value.split(",") if part]
    words = _WORDS[field]
    exact = field in ("tag", "state")

    def test(node: Node, alerts: Iterable[Alert]) -> bool:
        present = [word.casefold() for word in words(node, alerts)]
        if field == "alert" and "any" in wanted:
            return bool(present)
        if exact:
            return any(part in present for part in wanted)
        return any(part in word for part in wanted for word in present)

    return test


def _plain(text: str) -> Test:
    wanted = text.casefold()

    def test(node: Node, _alerts: Iterable[Alert]) -> bool:
        words = [node.name, *_hosts(node), *node.spec.tags, *_process_names(node)]
        return any(wanted in word.casefold() for word in words)

    return test


def _hosts(node: Node) -> list[str]:
    return [word for word in (node.hello.hostname if node.hello else "", node.spec.address) if word]


def _process_names(node: Node) -> list[str]:
    return [process.name for process in node.sample.top] if node.sample else []


def _datasets(node: Node) -> list[str]:
    counted = [count.name for count in node.datasets.counts] if node.datasets else []
    return [*counted, *(watch.name for watch in node.spec.datasets)]


_WORDS: dict[str, Callable[[Node, Iterable[Alert]], list[str]]] = {
    "name": lambda node, _: [node.name],
    "host": lambda node, _: _hosts(node),
    "tag": lambda node, _: list(node.spec.tags),
    "state": lambda node, _: [node.state],
    "reason": lambda node, _: [node.reason],
    "proc": lambda node, _: _process_names(node),
    "user": lambda node, _: [p.user for p in node.sample.top] if node.sample else [],
    "model": lambda node, _: [gpu.name for gpu in node.gpu.gpus],
    "dataset": lambda node, _: _datasets(node),
    "alert": lambda _, alerts: [word for a in alerts for word in (a.kind, a.text)],
}
FIELDS = (*MEASURES, *_WORDS)
