"""The arrows of the house, tried and not only declared: each room is imported alone and looked at."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import console
import workers

REFERENCE = tuple(
    f"workers.{room}"
    for room in ("games", "network", "search", "selfplay", "training", "evaluation")
)
HEAVY = ("torch", "tensorboard", "pandas", "numpy", "pyarrow")


def modules_after(statement: str, *options: str) -> set[str]:
    """The names in `sys.modules` of a fresh interpreter that ran `statement`."""
    code = f"{statement}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def names_below(package: object) -> list[str]:
    path, name = package.__path__, package.__name__  # type: ignore[attr-defined]
    return [module.name for module in pkgutil.walk_packages(path, name + ".")]


def test_the_core_runs_without_textual() -> None:
    core = [
        name
        for name in names_below(console)
        if not name.startswith(("console.ui", "console.__main__")) and "defaults" not in name
    ]
    assert "console.runtime" in core
    loaded = modules_after("\n".join(f"import {name}" for name in core))
    assert "textual" not in loaded


def test_the_command_line_starts_light() -> None:
    loaded = modules_after("import console.cli.main, console.__main__")
    assert not {"textual", "asyncssh", "cryptography", *HEAVY} & loaded


def test_nothing_heavy_is_on_the_path_of_the_screen() -> None:
    loaded = modules_after("import console.ui.app")
    assert not set(HEAVY) & loaded


def test_the_domain_is_pure() -> None:
    domain = [name for name in names_below(console) if name.startswith("console.fleet")]
    loaded = modules_after("\n".join(f"import {name}" for name in domain))
    assert not {"asyncio", "socket", "subprocess", "textual", "asyncssh", "psutil"} & loaded


@pytest.mark.parametrize(
    "module", sorted(name for name in names_below(workers) if not name.startswith(REFERENCE))
)
def test_the_node_side_needs_only_the_standard_library(module: str) -> None:
    loaded = modules_after(
        f"import sys; sys.path.insert(0, {sys.path[0]!r}); sys.path.insert(0, '.')\nimport {module}",
        "-S",
    )
    third_party = {"textual", "rich", "asyncssh", "yaml", "pydantic", "watchfiles", "console"}
    assert not third_party & {name.partition(".")[0] for name in loaded}


def test_the_reference_workers_need_nothing_of_the_console() -> None:
    pytest.importorskip("torch")
    names = [name for name in names_below(workers) if name.startswith(REFERENCE)]
    assert "workers.selfplay.__main__" in names
    loaded = modules_after("\n".join(f"import {name}" for name in names))
    assert not {"textual", "asyncssh", "yaml", "pydantic", "console"} & loaded


def test_their_names_need_no_torch() -> None:
    """A machine without torch can say so, and count records."""
    loaded = modules_after("import workers, workers.__main__, workers.records.__main__")
    assert not set(HEAVY) & loaded
