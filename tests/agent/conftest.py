"""The stand-in for NVIDIA's library, and a process that a test may look at and signal."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from console.channels import bundle
from workers.machine.boot import boot_id, pid_namespace
from workers.machine.process import start_ticks
from workers.protocol import ProcessIdentity


def eventually(what: Callable[[], object], within_s: float = 20.0) -> object:
    """The first true value of `what()`; fails with the last one when the time is over."""
    deadline = time.monotonic() + within_s
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s:.0f} s: {value!r}")
        time.sleep(0.02)


def identity(pid: int) -> ProcessIdentity:
    """The full identity of a process that runs now."""
    ticks = start_ticks(pid)
    assert ticks is not None
    return ProcessIdentity(boot_id(), pid_namespace(), pid, ticks)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that does nothing."""
    process = subprocess.Popen(["sleep", "600"])
    eventually(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
    yield process
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def nvml_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the stand-in libnvidia-ml.so.1."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the stand-in for libnvidia-ml.so.1")
    folder = tmp_path_factory.mktemp("nvml")
    source = Path(__file__).with_name("nvml_stub.c")
    library = folder / "libnvidia-ml.so.1"
    subprocess.run(
        [compiler, "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source], check=True
    )
    return folder


class Driver:
    """What the stand-in answers; changed while it is being asked."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.says("count 1")

    def says(self, *lines: str) -> None:
        temporary = self._file.with_suffix(".new")
        temporary.write_text("\n".join(lines) + "\n")
        os.replace(temporary, self._file)


@pytest.fixture
def driver(nvml_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """NVIDIA's driver as far as this process and its children can tell."""
    file = tmp_path / "nvml.txt"
    monkeypatch.setenv("LD_LIBRARY_PATH", str(nvml_folder))
    monkeypatch.setenv("NVML_STUB_FILE", str(file))
    return Driver(file)


def python39() -> str | None:
    """A Python 3.9, the oldest an agent runs on."""
    for place in (Path.home() / ".pyenv/versions").glob("3.9.*/bin/python"):
        return str(place)
    return shutil.which("python3.9")


@cache
def bundle_file() -> str:
    """The node's code as a file that every user may read; this checkout may be in a private place."""
    descriptor, path = tempfile.mkstemp(prefix="qd-bundle-", suffix=".pyz")
    with open(descriptor, "wb") as stream:
        os.fchmod(descriptor, 0o644)
        stream.write(bundle.build().data)
    atexit.register(os.unlink, path)
    return path


def run_apart(code: str, python: str = sys.executable, *before: str) -> str:
    """Runs code as an agent runs: isolated, without site-packages; gives its output."""
    prelude = f"import sys; sys.path.insert(0, {bundle_file()!r})\n"
    done = subprocess.run(
        [*before, python, "-I", "-S", "-B", "-c", prelude + code],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
