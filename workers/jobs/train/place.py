"""What is asked of a machine before anything is moved. Runs on either side of WSL."""

import json
import os
import shutil
import sys
from typing import Any, Dict, List, Mapping, Optional, Sequence

from workers.jobs.train.files import inside
from workers.jobs.train.tree import MARK

_TRIAL = ".qd-part-trial"


def probe(
    fast: str, source: str, asked: Mapping[str, str], pythons: Sequence[str]
) -> Dict[str, Any]:
    """What stands against a mirror of ``source`` in ``fast`` (`problems`), and what is there.

    ``asked``: paths of this side, and how the other side calls them; each must be there. Makes the folder
    ``fast`` and writes a file into it, for rights that are only on paper show by nothing else.
    """
    folder = os.path.abspath(os.path.expanduser(fast))
    problems: List[str] = []
    try:
        claim(folder, source)
        _try_to_write(folder)
    except OSError as error:
        problems.append(f"{folder}: {error.strerror or error}")
    except ValueError as error:
        problems.append(str(error))
    for path, other in asked.items():
        if not os.path.exists(os.path.expanduser(path)):
            problems.append(f"{other} should be {path} there, and nothing is at that place")
    return {
        "folder": folder,
        "python": interpreter(pythons),
        "free": shutil.disk_usage(folder).free if os.path.isdir(folder) else None,
        "problems": problems,
        "mounts": mounts(),
    }


def claim(folder: str, source: str) -> None:
    """Makes ``folder`` the mirror of ``source``. Raises ValueError where it is something else, OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    mark = os.path.join(folder, MARK)
    try:
        with open(mark, encoding="utf-8") as file:
            held = json.load(file)["source"]
    except FileNotFoundError:
        if os.listdir(folder):
            raise ValueError(
                f"{folder} holds files and is no mirror of ours: nothing was touched; "
                "name an empty folder, or one that is not there yet"
            ) from None
        _write_mark(mark, source)
        return
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{mark} is damaged; remove the folder, it is only a mirror") from None
    if held != source:
        raise ValueError(
            f"{folder} is the mirror of {held}, not of {source}; name another folder (fast_directory)"
        )


def interpreter(candidates: Sequence[str]) -> Optional[str]:
    """The first that is there: a virtual environment, a path, or a program. None where none is."""
    for candidate in candidates:
        path = os.path.expanduser(candidate)
        for inner in ("bin/python", "Scripts/python.exe"):
            if os.path.isfile(os.path.join(path, inner)):
                return os.path.join(path, inner)
        found = shutil.which(path)
        if found:
            return found
    return None


def mounts(config: str = "/etc/wsl.conf") -> str:
    """Where this distribution shows the drives of Windows."""
    section = ""
    try:
        with open(config, encoding="utf-8", errors="replace") as file:
            for line in file:
                line = line.split("#")[0].strip()
                if line.startswith("["):
                    section = line.strip("[] ").lower()
                key, equals, value = line.partition("=")
                if equals and section == "automount" and key.strip().lower() == "root":
                    return value.strip().strip('"').rstrip("/") + "/"
    except OSError:
        pass
    return "/mnt/"


def _write_mark(mark: str, source: str) -> None:
    part = f"{mark}.{os.getpid()}"
    with open(part, "w", encoding="utf-8") as file:
        json.dump({"schema": 1, "source": source}, file)
    os.replace(part, mark)


def _try_to_write(folder: str) -> None:
    trial = inside(folder, _TRIAL)
    try:
        with open(trial, "w", encoding="utf-8") as file:
            file.write(sys.platform)
        os.chmod(trial, 0o700)
        os.utime(trial, ns=(1, 1))
    finally:
        if os.path.lexists(trial):
            os.unlink(trial)
