"""Reading a JSON object field by field: what is wrong is said with its place in the document."""

import math
from collections.abc import Mapping
from typing import Any

from workers.harness import Misconfigured


class Fields:
    """One object of the document. ``place`` is how its errors name it ("sync.json: limits")."""

    def __init__(self, body: object, place: str) -> None:
        if not isinstance(body, Mapping):
            raise Misconfigured(f"{place}: an object is wanted, found {shown(body)}")
        self.body: Mapping[str, Any] = body
        self.place = place

    def text(self, key: str, default: str | None = None) -> str:
        """A text without NUL. Raises Misconfigured, as all here do."""
        value = self._value(key, default)
        if not isinstance(value, str) or "\0" in value:
            raise self.wrong(key, "a text")
        return value

    def text_or_none(self, key: str) -> str | None:
        return None if self.body.get(key) is None else self.text(key)

    def whole(self, key: str, default: int | None = None, least: int = 0) -> int:
        """A whole number, ``least`` or more."""
        value = self._value(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.wrong(key, f"a whole number from {least}")
        return value

    def number(self, key: str, default: float, least: float, most: float = math.inf) -> float:
        value = self._value(key, default)
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fits or not least <= value <= most:
            raise self.wrong(key, f"a number from {least:g}" + _up_to(most))
        return float(value)

    def flag(self, key: str, default: bool = False) -> bool:
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        value = self._value(key, default)
        if not isinstance(value, (list, tuple)):
            raise self.wrong(key, "a list of texts")
        if not all(isinstance(each, str) and "\0" not in each for each in value):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def under(self, key: str, default: Mapping[str, Any] | None = None) -> "Fields":
        """The object at ``key``."""
        return Fields(self._value(key, default), self.at(key))

    def list_of(self, key: str) -> list["Fields"]:
        """The objects of the list at ``key``; none where it is left out."""
        value = self.body.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return [Fields(each, f"{self.at(key)}[{number}]") for number, each in enumerate(value)]

    def at(self, key: str) -> str:
        """How the place of ``key`` is called."""
        return f"{self.place}.{key}" if not self.place.endswith(":") else f"{self.place} {key}"

    def wrong(self, key: str, wanted: str) -> Misconfigured:
        return Misconfigured(
            f"{self.at(key)}: {wanted} is wanted, found {shown(self.body.get(key))}"
        )

    def _value(self, key: str, default: object) -> Any:
        value = self.body.get(key, default)
        if value is None and default is None:
            raise Misconfigured(f"{self.at(key)}: is missing")
        return value


def shown(value: object) -> str:
    """A value as an error quotes it, short."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _up_to(most: float) -> str:
    return "" if math.isinf(most) else f" to {most:g}"
