"""YAML text to a tree of entries with line numbers, within limits, with no tag ever obeyed.

The parser's events are read one by one and no loader constructs anything, so that a hostile file can
make neither objects nor a large tree. Plain scalars are read as YAML 1.2's core schema reads them:
`no` and `on` are text.
"""

from __future__ import annotations

import codecs
import re
from typing import Any, NamedTuple

import yaml

from console.errors import SettingsError
from console.settings.tree import Entry, Place, Scalar, placed

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_VALUES = 100_000
MAX_ALIASES = 1000

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# The C parser is ten times as fast; both give the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(data: bytes, source: str) -> Entry:
    """The mapping that a file holds; an empty file holds an empty one.

    Raises SettingsError with `source:line` for what is no YAML, is too large or too deep, has a key
    twice, a tag, more than one document, or is no mapping.
    """
    if len(data) > MAX_BYTES:
        raise SettingsError(f"{source}: {len(data)} bytes, at most {MAX_BYTES}")
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{source}:{line}: is not UTF-8 text") from None
    entry = _Reader(source).read(text)
    if entry is None or entry.value is None:
        return Entry({}, Place(source, 1))
    if not isinstance(entry.value, dict):
        raise SettingsError(f"{entry.place}: wanted keys and values (key: value)")
    return entry


def parse_value(text: str, source: str) -> Entry:
    """One value written as YAML in an environment variable. Raises SettingsError."""
    entry = _Reader(source).read(text[:MAX_BYTES])
    return placed(entry or Entry(None, Place(source)), Place(source))


def scalar(text: str) -> Scalar:
    """What a plain scalar stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


class _Anchored(NamedTuple):
    """A value that aliases may repeat, with its size and its levels: a repetition counts in full."""

    entry: Entry
    values: int
    height: int


class _Reader:
    """One pass over one file's events."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._values = 0
        self._aliases = 0
        self._deepest = 0
        self._anchors: dict[str, _Anchored] = {}

    def read(self, text: str) -> Entry | None:
        """The one document's value; None where there is no document."""
        try:
            self._events = yaml.parse(text, Loader=_LOADER)
            return self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = 1 if mark is None else mark.line + 1
            what = " ".join(filter(None, (error.context, error.problem)))
            raise SettingsError(f"{self._source}:{line}: is not YAML: {what}") from None
        except yaml.YAMLError as error:
            raise SettingsError(f"{self._source}: is not YAML: {_first_line(error)}") from None

    def _document(self) -> Entry | None:
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        event = next(self._events)
        entry = self._value(event, self._line(event), 1)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._fault(after, "a second document; wanted one")
        return entry

    def _value(self, event: Any, line: int, depth: int) -> Entry:
        self._check(event, depth)
        self._values += 1
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line, depth)
        if event.tag not in (None, "!"):
            raise self._fault(event, f"the tag {event.tag} is refused")
        if event.anchor is None:
            return Entry(self._content(event, depth), Place(self._source, line))
        return self._anchored(event, line, depth)

    def _anchored(self, event: Any, line: int, depth: int) -> Entry:
        values, deepest = self._values, self._deepest
        self._deepest = depth
        entry = Entry(self._content(event, depth), Place(self._source, line))
        size = self._values - values + 1
        self._anchors[event.anchor] = _Anchored(entry, size, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return entry

    def _content(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        return scalar(event.value) if event.implicit[0] else event.value

    def _mapping(self, depth: int) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            if key in found:
                raise self._fault(
                    event, f"{key}: is here twice; first on line {found[key].place.line}"
                )
            found[key] = self._value(next(self._events), self._line(event), depth + 1)
        return found

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.tag not in (None, "!"):
            raise self._fault(event, "wanted a key that is plain text")
        if event.anchor is not None or event.value == "<<":
            raise self._fault(event, "merge keys and anchors on keys are not known here")
        return str(event.value)

    def _sequence(self, depth: int) -> tuple[Entry, ...]:
        found: list[Entry] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, self._line(event), depth + 1))
        return tuple(found)

    def _alias(self, event: Any, line: int, depth: int) -> Entry:
        if event.anchor not in self._anchors:
            raise self._fault(event, f"*{event.anchor} has no anchor before it")
        anchored = self._anchors[event.anchor]
        self._aliases += 1
        self._values += anchored.values
        self._check(event, depth + anchored.height)
        return Entry(anchored.entry.value, Place(self._source, line))

    def _check(self, event: Any, depth: int) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > MAX_DEPTH:
            raise self._fault(event, f"nested deeper than {MAX_DEPTH} levels")
        if self._values > MAX_VALUES:
            raise self._fault(event, f"more than {MAX_VALUES} values, aliases counted in full")
        if self._aliases > MAX_ALIASES:
            raise self._fault(event, f"more than {MAX_ALIASES} aliases")

    def _line(self, event: Any) -> int:
        return int(event.start_mark.line) + 1

    def _fault(self, event: Any, text: str) -> SettingsError:
        return SettingsError(f"{self._source}:{self._line(event)}: {text}")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
