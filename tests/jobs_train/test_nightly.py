"""`scripts/nightly`: looks at the mode, then runs the job and ends as it ended."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "nightly"
_PROGRAM = """#!/bin/sh
echo "$*" >> {said}
case "$1" in
mode) echo "{mode}: words"; echo "  from default" ;;
*) exit {code} ;;
esac
"""


def nightly(folder: Path, mode: str, code: int = 0, *words: str) -> tuple[int, str, list[str]]:
    """(exit code, what it complained about, what quarterdeck was asked)"""
    programs = folder / "bin"
    programs.mkdir()
    said = folder / "said"
    (programs / "quarterdeck").write_text(_PROGRAM.format(said=said, mode=mode, code=code))
    (programs / "quarterdeck").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:/usr/bin:/bin"}
    done = subprocess.run([SCRIPT, *words], env=environment, capture_output=True, text=True)
    return done.returncode, done.stderr, said.read_text().splitlines()


@pytest.mark.parametrize("mode", ["standard", "native_sync"])
def test_it_runs_the_job(tmp_path: Path, mode: str) -> None:
    assert nightly(tmp_path, mode) == (0, "", ["mode show", "jobs run train --wait --yes"])


def test_another_job_that_fails(tmp_path: Path) -> None:
    code, _, asked = nightly(tmp_path, "standard", 3, "lora")
    assert (code, asked[-1]) == (3, "jobs run lora --wait --yes")


def test_no_wsl_and_no_mode(tmp_path: Path) -> None:
    code, complained, asked = nightly(tmp_path, "wsl_sync")
    assert (code, "needs wsl.exe" in complained, asked) == (4, True, ["mode show"])
    (tmp_path / "second").mkdir()
    code, complained, _ = nightly(tmp_path / "second", "")
    assert (code, "the mode cannot be read" in complained) == (4, True)
