"""The grammar of filters: terms divided by blanks, all of which must hold; `!` before one inverts it.

cpu>90  mem>=50        a figure (of several, any)
tag:selfplay           a word, or one of several: state:down,stale
name~^gpu-[0-9]+$      a regular expression
hex8  "two words"      anywhere in what is usually looked for

Which figures and words there are is the vocabulary's: one for nodes, one for workers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Generic, TypeVar

Row = TypeVar("Row")
Test = Callable[[Row], bool]

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


class FilterError(ValueError):
    """The filter cannot be understood; `position` is the character where, counted from 0."""

    def __init__(self, text: str, position: int) -> None:
        super().__init__(text)
        self.position = position


@dataclass(frozen=True)
class Vocabulary(Generic[Row]):
    """What can be asked of a row. A figure that is not available is absent, not 0."""

    measures: Mapping[str, Callable[[Row], Iterable[float]]]
    words: Mapping[str, Callable[[Row], Iterable[str]]]
    plain: Callable[[Row], Iterable[str]]  # what a term without a field is looked for in
    exact: frozenset[str] = frozenset()  # words that must be said in full
    any_of: frozenset[str] = frozenset()  # words where `any` means that there is one
    aliases: Mapping[str, str] = field(default_factory=dict)

    def parse(self, text: str) -> tuple[Test[Row], ...]:
        """The terms of `text`; all must hold. Raises FilterError."""
        tests: list[Test[Row]] = []
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
            test = self._term(match["body"], match.start("body"))
            tests.append(_inverted(test) if invert else test)
            invert = False
        if invert:
            raise FilterError("! needs a term after it", len(text))
        return tuple(tests)

    def _term(self, body: str, position: int) -> Test[Row]:
        match = None if body.startswith('"') else _FIELD.fullmatch(body)
        if match is None:
            return self._plain(body.replace('"', ""))
        name, op = match["field"].lower(), match["op"]
        name = self.aliases.get(name, name)
        value, at = match["value"].replace('"', ""), position + match.start("value")
        known = self.words if op in ":~" else self.measures
        if name not in known and not (op == "=" and name in self.words):
            raise FilterError(self._unknown(name, op), position)
        if not value:
            raise FilterError(f"{name}{op} needs a value after it", at)
        if op == "~":
            return self._pattern(name, value, at)
        if name in known and op != ":":
            return self._figure(name, op, value, at)
        return self._word(name, value)

    def _unknown(self, name: str, op: str) -> str:
        if op in ":~" and name in self.measures:
            return f"{name} is a number: compare it with >, >=, <, <= or =, as in {name}>50"
        if op not in ":~" and name in self.words:
            return f"{name} is a word: use {name}:… or {name}~…"
        close = get_close_matches(name, [*self.measures, *self.words], 1, 0.5)
        meant = f"; did you mean {close[0]}?" if close else ""
        return f'there is no field "{name}"{meant} (quote the term to look for it as text)'

    def _figure(self, name: str, op: str, value: str, at: int) -> Test[Row]:
        try:
            wanted = float(value.rstrip("%"))
        except ValueError:
            raise FilterError(f'{name} is compared with a number, not "{value}"', at) from None
        measure, compare = self.measures[name], _COMPARE[op]
        return lambda row: any(compare(figure, wanted) for figure in measure(row))

    def _pattern(self, name: str, value: str, at: int) -> Test[Row]:
        try:
            pattern = re.compile(value, re.IGNORECASE)
        except re.error as error:
            where = at + (error.pos or 0)
            raise FilterError(f"not a regular expression: {error.msg}", where) from None
        words = self.words[name]
        return lambda row: any(pattern.search(word) for word in words(row))

    def _word(self, name: str, value: str) -> Test[Row]:
        wanted = [part.casefold() for part in value.split(",") if part]
        words, exact, any_of = self.words[name], name in self.exact, name in self.any_of

        def test(row: Row) -> bool:
            present = [word.casefold() for word in words(row)]
            if any_of and "any" in wanted:
                return bool(present)
            if exact:
                return any(part in present for part in wanted)
            return any(part in word for part in wanted for word in present)

        return test

    def _plain(self, text: str) -> Test[Row]:
        wanted, plain = text.casefold(), self.plain
        return lambda row: any(wanted in word.casefold() for word in plain(row))


def _blank(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _inverted(test: Test[Row]) -> Test[Row]:
    return lambda row: not test(row)
