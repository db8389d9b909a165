"""What a node needs to run our workers or jobs, into a virtual environment of its own: only when a person asks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from importlib import metadata

from console.errors import UsageError
from workers.protocol import NO_INTERPRETER, WorkerSpec

VENV = ".local/share/quarterdeck/venv"  # below the home there; the shipped presets look into it
_EXTRA_OF = {"torch": "workers", "duckdb": "data"}  # what of it a worker must import
_OWN = re.compile(r"quarterdeck\[([A-Za-z0-9,-]+)\]")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([A-Za-z0-9-]+)['"]""")
_SCRIPT = """\
set -eu
for name in python3.14 python3.13 python3.12 python3.11 python3.10 python3; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then found=$name; break; fi
done
if [ -z "${found:-}" ]; then echo "no Python from 3.10 on is in the PATH here; install one" >&2; exit 4; fi
venv="$HOME/%(venv)s"
mkdir -p -m 700 "$(dirname "$venv")"
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "$found" -m venv "$venv" || { echo "a virtual environment needs python3-venv here" >&2; rm -rf "$venv"; exit 4; }
fi
"$venv/bin/python" -m pip install --disable-pip-version-check --no-input %(packages)s
"$venv/bin/python" -c 'import sys; print(sys.executable, sys.version.split()[0])'
"""


def requirements(extra: str) -> tuple[str, ...]:
    """What pip is asked for: what this very release names under an extra. Raises UsageError."""
    try:
        listed = metadata.requires("quarterdeck") or []
    except metadata.PackageNotFoundError:
        raise UsageError("quarterdeck is not installed here as a package: nobody knows its extras") from None  # fmt: skip
    found: dict[str, None] = {}
    ahead, seen = [extra], set[str]()
    while ahead:
        name = ahead.pop()
        seen.add(name)
        for line in listed:
            wanted, _, marker = line.partition(";")
            match = _EXTRA.search(marker)
            if match is None or match[1] != name:
                continue
            if own := _OWN.fullmatch(wanted.strip()):
                ahead += [each for each in own[1].split(",") if each not in seen]
            else:
                found[wanted.strip()] = None
    if not found:
        raise UsageError(
            f"the package installed here names nothing under the extra '{extra}': install this release again"
        )
    return tuple(sorted(found))


def with_cure(node: str, spec: WorkerSpec, refusals: Iterable[str]) -> tuple[str, ...]:
    """What a node has against a start; where it is what an interpreter lacks, the command that mends it too."""
    extra = next((extra for module, extra in _EXTRA_OF.items() if module in spec.needs), None)
    looks = any(VENV in interpreter for interpreter in spec.interpreters)
    if extra is None or not looks:
        return tuple(refusals)
    cure = f"; `quarterdeck nodes provision {node} --extras {extra}` does so"
    return tuple(text + cure if text.startswith(NO_INTERPRETER) else text for text in refusals)


def command(packages: Sequence[str]) -> tuple[str, ...]:
    """Makes the environment where it is missing, and installs into it. Doing it again is harmless."""
    text = _SCRIPT % {"venv": VENV, "packages": " ".join(map(shlex.quote, packages))}
    return ("sh", "-c", text)
