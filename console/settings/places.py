"""Where the console's own files are on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Folders of settings and of state, both 0700 when we make them; XDG variables are honoured."""

    settings: Path
    state: Path

    @property
    def nodes_file(self) -> Path:
        """Written by `nodes add`; read like any other file of the settings."""
        return self.settings / "nodes.yaml"

    @property
    def known_hosts(self) -> Path:
        return self.settings / "known_hosts"

    @property
    def audit(self) -> Path:
        return self.state / "audit.jsonl"

    @property
    def acknowledged(self) -> Path:
        """Which alerts a person has seen."""
        return self.state / "acknowledged.json"

    @property
    def console_state(self) -> Path:
        return self.state / "console"


def places(environ: Mapping[str, str] = os.environ) -> Places:
    """`~/.config/quarterdeck` and `~/.local/state/quarterdeck`, or as XDG says. HOME may be missing."""
    home = Path(environ.get("HOME") or os.path.expanduser("~"))
    return Places(
        settings=_folder(environ.get("XDG_CONFIG_HOME"), home / ".config"),
        state=_folder(environ.get("XDG_STATE_HOME"), home / ".local" / "state"),
    )


def _folder(value: str | None, otherwise: Path) -> Path:
    # The XDG specification wants relative values ignored.
    base = Path(value) if value and os.path.isabs(value) else otherwise
    return base / "quarterdeck"
