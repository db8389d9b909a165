"""What a conducted job is about to do, in the same shape as every other job's plan."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from console.conduct.orders import Orders


@dataclass(frozen=True)
class Share:
    """One node's, or one step's. ``commands`` are argument lists, exactly as they will run."""

    name: str
    does: str
    commands: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Score:
    """``never``: what it will not do, whatever happens."""

    does: str
    shares: tuple[Share, ...]
    never: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    def json(self, orders: Orders) -> str:
        """Schema 1."""
        body: dict[str, Any] = {
            "schema": 1, "job": orders.job, "kind": orders.kind, "run": orders.run,
            "does": self.does, "hosts": [_share(one) for one in self.shares], "files": None,
            "bytes": None, "never": list(self.never), "warnings": [],
            "refusals": list(self.refusals),
        }  # fmt: skip
        return json.dumps(body)

    def text(self, orders: Orders) -> str:
        """Lines for a terminal."""
        lines = [f"plan of {orders.job} ({orders.kind}): {self.does}"]
        for one in self.shares:
            lines.append(f"  {one.name}: {one.does}")
            lines += [f"    note: {note}" for note in one.notes]
            lines += [f"    $ {shlex.join(argv)}" for argv in one.commands]
        lines += [f"never: {text}" for text in self.never]
        lines += [f"refused: {text}" for text in self.refusals]
        return "\n".join(lines)


def _share(one: Share) -> dict[str, Any]:
    return {
        "name": one.name, "does": one.does, "files": None, "bytes": None,
        "commands": [list(argv) for argv in one.commands], "notes": list(one.notes),
        "problem": None,
    }  # fmt: skip
