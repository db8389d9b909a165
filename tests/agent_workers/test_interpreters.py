"""Which Python a worker gets, and what is said where none will do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.agent.workers.interpreters import Interpreters

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with one module of its own."""
    folder = tmp_path_factory.mktemp("venvs") / "venv-own"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python3*/site-packages"))
    (packages / "only_here.py").write_text("")
    return folder


def test_the_first_that_imports_what_is_needed_is_taken(environment: Path, tmp_path: Path) -> None:
    root = str(environment.parent)
    choice = Interpreters().choose(
        ("venv-missing", "venv-own"), ("only_here",), root, str(tmp_path), PATH
    )
    assert choice.interpreter is not None
    assert choice.interpreter.path == f"{environment}/bin/python"
    assert choice.interpreter.variables("/usr/bin") == {
        "VIRTUAL_ENV": str(environment),
        "PATH": f"{environment}/bin:/usr/bin",
    }
    assert choice.notes == (
        "venv-missing: it is neither there nor a program of the login environment",
    )


def test_one_that_lacks_a_module_is_passed_over_with_the_reason(
    environment: Path, tmp_path: Path
) -> None:
    choice = Interpreters().choose(
        ("/usr/bin/env", str(environment)), ("only_here",), "/", str(tmp_path), PATH
    )
    assert choice.interpreter is not None
    assert choice.interpreter.environment == str(environment)
    assert "/usr/bin/env" in choice.notes[0]


def test_without_any_the_systems_python_is_used_and_that_is_said(tmp_path: Path) -> None:
    choice = Interpreters().choose(("venv-huggingface",), ("json",), str(tmp_path), "/", PATH)
    assert choice.interpreter is not None
    assert os.path.basename(choice.interpreter.path) == "python3"
    assert choice.interpreter.variables("/bin") == {}
    assert choice.notes[-1].endswith(f"{choice.interpreter.path} is used")
    assert choice.notes[0].startswith("venv-huggingface: ")


def test_none_that_imports_it_is_a_refusal_that_says_what_to_do(tmp_path: Path) -> None:
    choice = Interpreters().choose(
        ("venv-a",), ("no_such_module_here",), str(tmp_path), str(tmp_path), PATH
    )
    assert choice.interpreter is None
    assert "venv-a: " in choice.refusal
    assert "No module named 'no_such_module_here'" in choice.refusal
    assert "install no_such_module_here" in choice.refusal


def test_a_name_of_a_module_is_never_code(tmp_path: Path) -> None:
    trap = f"os; open({str(tmp_path / 'pwned')!r}, 'w')"
    choice = Interpreters().choose((), (trap,), "/", str(tmp_path), PATH)
    assert choice.interpreter is None
    assert not (tmp_path / "pwned").exists()


def test_a_python_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.agent.workers.interpreters.IMPORT_S", 0.3)
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    choice = Interpreters().choose((str(slow),), ("json",), "/", str(tmp_path), PATH)
    assert "within 0 s" in choice.notes[0]


def test_what_was_found_is_remembered_until_the_packages_change(
    environment: Path, tmp_path: Path
) -> None:
    pythons = Interpreters()

    def choose(module: str) -> object:
        return pythons.choose((str(environment),), (module,), "/", str(tmp_path), PATH).interpreter

    packages = next(environment.glob("lib/python3*/site-packages"))
    (packages / "comes_late.py").unlink(missing_ok=True)
    assert getattr(choose("comes_late"), "environment", "") == ""
    (packages / "comes_late.py").write_text("")
    assert getattr(choose("comes_late"), "environment", "") == str(environment)
    (packages / "comes_late.py").unlink()
    assert getattr(choose("comes_late"), "environment", "") == ""


def test_nothing_is_tried_where_nothing_was_asked(tmp_path: Path) -> None:
    assert Interpreters().choose((), (), "/", str(tmp_path), {}).interpreter is None
