"""The time zone of this machine, with its summer times."""

from __future__ import annotations

import os
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LOCALTIME = Path("/etc/localtime")


def local_zone() -> tzinfo:
    """As ``TZ`` says, or the system; a fixed offset where neither can be read."""
    named = os.environ.get("TZ", "").lstrip(":")
    try:
        if named and not named.startswith("/"):
            return ZoneInfo(named)
        with Path(named or _LOCALTIME).open("rb") as file:
            return ZoneInfo.from_file(file, "local")
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return datetime.now().astimezone().tzinfo or timezone.utc
