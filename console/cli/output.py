"""How results are printed: tables for people, JSON for scripts. Data is never taken for markup."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from console.text import sanitise

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 1000  # where no terminal sets a width, nothing is cut or wrapped


def print_json(value: Any) -> None:
    """One document on one line."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    sys.stdout.write(sanitise(text) + "\n")
    sys.stdout.flush()


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()
) -> None:
    """Columns of plain text; those named in `right` are aligned there. Wrapped on a terminal only."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        justify: Any = "right" if column in right else "left"
        table.add_column(Text(column), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_flat(cell)) for cell in row))
    console = _console()
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as made:  # no blanks behind the last column of what scripts read
        console.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in made.get().splitlines()))
    sys.stdout.flush()


def print_line(text: str, style: str = "") -> None:
    """One line, never markup: a node's text cannot begin another one."""
    from rich.text import Text

    _console().print(Text(_flat(text), style=style), soft_wrap=True)


def complain(text: str) -> None:
    """A line, or a few, on standard error."""
    sys.stderr.write(f"quarterdeck: {sanitise(text)}\n")
    sys.stderr.flush()


def clear() -> None:
    """Empties the terminal before the next picture; a file just gets the next one."""
    if sys.stdout.isatty():
        sys.stdout.write("\x1b[H\x1b[2J")


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDE
    return Console(
        file=sys.stdout, markup=False, highlight=False, emoji=False, width=width, soft_wrap=False
    )


def _flat(text: str) -> str:
    return sanitise(text).replace("\n", "␊")
