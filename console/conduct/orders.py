"""The document a conducted job was started with, read with its types checked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.errors import UsageError
from workers.contract import INPUT

SCHEMA = 1
MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Orders:
    """``here`` is this machine's node; ``config`` the settings a person named, None: their usual place.
    ``timeout_s`` 0: none."""

    job: str
    kind: str
    run: str
    here: str
    sources: tuple[str, ...] = ()
    concurrency: int = 2
    timeout_s: float = 0.0
    config: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    # Each raises UsageError where the option is of another kind.

    def text(self, key: str, default: str = "") -> str:
        return str(self._option(key, default, (str,), "a text"))

    def flag(self, key: str) -> bool:
        return bool(self._option(key, False, (bool,), "true or false"))

    def number(self, key: str, default: float) -> float:
        return float(self._option(key, default, (int, float), "a number"))

    def texts(self, key: str) -> tuple[str, ...]:
        return _texts(self.options, key, f"options.{key}")

    def _option(self, key: str, default: Any, kinds: tuple[type, ...], wanted: str) -> Any:
        return _typed(self.options, key, default, kinds, wanted, "options.")


def load(path: str | None, kind: str) -> Orders:
    """From a file, or from where the supervisor put it. Raises UsageError with the place of what is wrong."""
    found = path or os.environ.get(INPUT)
    if not found:
        raise UsageError(f"no orders: give --document FILE (or run it as a job, with {INPUT})")
    try:
        with Path(found).open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        body = json.loads(raw) if len(raw) <= MOST_BYTES else None
    except OSError as error:
        raise UsageError(f"{found}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{found}: is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise UsageError(f"{found}: is no document of a job")
    if body.get("schema") != SCHEMA:
        raise UsageError(
            f"{found}: schema {body.get('schema')!r} is not known here (wanted: {SCHEMA}); "
            "the console that wrote it is of another release: update the older of the two"
        )
    orders = _orders(body)
    if orders.kind != kind:
        raise UsageError(f"the document is for a job of kind {orders.kind!r}, not {kind!r}")
    return orders


def _orders(body: Mapping[str, Any]) -> Orders:
    limits = _typed(body, "limits", {}, (dict,), "an object")
    settings = _typed(body, "settings", {}, (dict,), "an object")
    return Orders(
        job=_typed(body, "job", "", (str,), "a text"),
        kind=_typed(body, "kind", "", (str,), "a text"),
        run=_typed(body, "run", "", (str,), "a text"),
        here=_typed(body, "here", "local", (str,), "a text"),
        sources=_texts(body, "sources", "sources"),
        concurrency=max(1, _typed(limits, "concurrency", 2, (int,), "a whole number", "limits.")),
        timeout_s=float(_typed(limits, "timeout_s", 0.0, (int, float), "a number", "limits.")),
        config=_typed(settings, "config", None, (str,), "a path", "settings."),
        options=_typed(body, "options", {}, (dict,), "an object"),
    )


def _typed(
    body: Mapping[str, Any], key: str, default: Any, kinds: tuple[type, ...], wanted: str,
    place: str = "",
) -> Any:  # fmt: skip
    value = body.get(key)
    if value is None:
        return default
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise UsageError(f"document: {place}{key}: {wanted} is wanted, found {str(value)[:60]!r}")
    return value


def _texts(body: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    value = body.get(key, ())
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"document: {place}: a list of texts is wanted")
    return tuple(value)
