"""The view, written to files: as plain text and as a picture."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from textual.app import App


def save_view(app: App[Any], directory: Path) -> tuple[Path, Path]:
    """Writes `quarterdeck-DATE.txt` and `.svg`, mode 0600; gives their paths. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    base = directory / time.strftime("quarterdeck-%Y%m%d-%H%M%S")
    text, picture = base.with_suffix(".txt"), base.with_suffix(".svg")
    _write(text, view_text(app))
    _write(picture, picture_of(app))
    return text, picture


def view_text(app: App[Any]) -> str:
    """What is on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def picture_of(app: App[Any]) -> str:
    """The screen as SVG. Blanks at the start of a text count: some programs would drop them."""
    svg = app.export_screenshot()
    return svg.replace("<text ", '<text xml:space="preserve" style="white-space:pre" ')


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
