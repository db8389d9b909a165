"""What a node is given when a person asks, with stand-ins for Python and pip."""

from __future__ import annotations

import os
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from console.errors import UsageError
from console.operations import provision

LISTED = [
    "textual<9",
    'duckdb>=1.3; extra == "data"',
    "quarterdeck[export]; extra == 'data'",
    "pyarrow>=17; extra == 'export'",
    "quarterdeck[data]; extra == 'export'",
    "pytest; extra == 'test'",
]
PYTHON = """#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
-m) if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi ;;
esac
"""


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: LISTED)


@pytest.mark.usefixtures("listed")
def test_an_extra_is_what_this_release_names_under_it() -> None:
    assert provision.requirements("data") == ("duckdb>=1.3", "pyarrow>=17")
    with pytest.raises(UsageError, match="nothing under the extra 'workers'"):
        provision.requirements("workers")


def test_a_checkout_that_is_not_installed_knows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    with pytest.raises(UsageError, match="nobody knows its extras"):
        provision.requirements("data")


def run(home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        provision.command(["duckdb>=1.3", "a; b"]),
        env={"HOME": str(home), "PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_the_environment_is_made_once_and_filled_each_time(tmp_path: Path) -> None:
    folder, log = tmp_path / "bin", tmp_path / "log"
    folder.mkdir()
    python = folder / "python3.14"
    python.write_text(PYTHON.format(log=log))
    python.chmod(0o755)
    for _ in range(2):
        done = run(tmp_path, folder)
        assert done.returncode == 0, done.stderr
    said = log.read_text().splitlines()
    assert sum(line.startswith("-m venv ") for line in said) == 1
    installs = [line for line in said if line.startswith("-m pip install")]
    assert len(installs) == 2
    assert installs[0].endswith("duckdb>=1.3 a; b")
    assert (tmp_path / provision.VENV / "bin" / "python").exists()


def test_without_a_python_that_is_new_enough_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python3", *(f"python3.{minor}" for minor in range(10, 15))):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        os.chmod(folder / name, 0o755)
    done = run(tmp_path, folder)
    assert done.returncode == 4
    assert "Python from 3.10 on" in done.stderr
    assert not (tmp_path / ".local").exists()
