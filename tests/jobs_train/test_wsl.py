"""wsl_sync through a stand-in for wsl.exe, whose commands see a root of their own."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.jobs_train.conftest import World, listing
from tests.jobs_train.standin import DISTRO, path_with, standin

OPTIONS = {
    "mode": "wsl_sync",
    "wsl_distro": DISTRO,
    "fast": "~/digital twin",
    "python": ["python3"],
}
BACK = {"out/adapter_model.safetensors", "out/adapter_config.json"}


@pytest.fixture
def distro(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = standin(world.folder)
    monkeypatch.setenv("PATH", path_with(world.folder))
    return root


def test_the_same_three_legs(world: World, distro: Path) -> None:
    before = listing(world.source)
    code, said = world.run(**OPTIONS)
    assert code == 0, said
    after = listing(world.source)
    assert {name for name in after if name not in before} == BACK
    assert {name: after[name] for name in before} == before
    mirror = distro / "home" / "digital twin"
    assert json.loads(after["out/adapter_config.json"][0]) == {"files": 43, "where": str(mirror)}
    assert {*listing(mirror)} == {*before, ".quarterdeck-mirror.json"}
    assert "trained on 43" in said
    assert world.status["extra"]["legs"]["mirror"]["files"] == 42
    assert world.run(**OPTIONS)[0] == 0
    assert world.status["extra"]["legs"]["mirror"]["files"] == 2


def test_a_source_that_lies_in_wsl(world: World, distro: Path) -> None:
    inside = distro / "home" / "data"
    world.source.rename(inside)
    before = listing(inside)
    source = rf"\\wsl.localhost\{DISTRO}" + str(inside).replace("/", "\\")
    code, said = world.run(**{**OPTIONS, "source": source})
    assert code == 0, said
    assert {name for name in listing(inside) if name not in before} == BACK


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"wsl_distro": "Debian"}, "There is no distribution with the supplied name."),
        ({"wsl_distro": "-e"}, "no name of a distribution"),
        ({"fast": "relative"}, "is relative"),
        ({"fast": r"\\wsl$\Debian\x"}, "belongs to Debian"),
        ({"fast": "/proc/no"}, "/proc/no"),
        ({"python": ["/no/venv"]}, "none of /no/venv is there"),
        ({"command": ["python", r"C:\no\train.py"]}, "/mnt/c/no/train.py there, and nothing is"),
    ],
)
def test_what_stands_against_it_is_known_before_the_first_byte(
    world: World, distro: Path, options: dict[str, object], why: str
) -> None:
    code, said = world.run(**{**OPTIONS, **options})
    assert (code, why in said) == (4, True), said
    kept = {name for name in listing(distro) if not name.endswith("mirror.json")}
    assert not kept


def test_without_wsl(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    code, said = world.run(**OPTIONS)
    assert (code, "needs Windows with WSL" in said) == (4, True), said


def test_a_stop_ends_the_training_over_there(world: World, distro: Path) -> None:
    _assert_ends(world, distro, signal.SIGTERM, 143)


def test_a_killed_job_leaves_nothing_running_over_there(world: World, distro: Path) -> None:
    _assert_ends(world, distro, signal.SIGKILL, -9)


def test_a_distro_that_dies_is_no_success(world: World, distro: Path) -> None:
    script = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
    code, said = world.run(**OPTIONS, command=["python", "-c", script])
    assert (code, "wsl.exe ended while it was needed" in said) == (1, True), said
    assert world.parts["train"]["state"] == "failed"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_in_a_root_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's folders is seen there: all that it has went through the pipe."""
    root = standin(world.folder, chroot=True)
    monkeypatch.setenv("PATH", path_with(world.folder))
    if not _furnish(root):
        pytest.skip("no mounts here")
    try:
        code, said = world.run(**OPTIONS)
        assert code == 0, said
        config = json.loads((world.source / "out" / "adapter_config.json").read_text())
        assert config == {"files": 43, "where": "/home/digital twin"}
    finally:
        _clear(root)


def _furnish(root: Path) -> bool:
    import subprocess

    for name in ("usr", "bin", "lib", "lib64"):
        path = Path("/") / name
        if path.is_symlink():
            (root / name).symlink_to(os.readlink(path))
        elif path.is_dir():
            (root / name).mkdir()
            done = subprocess.run(["mount", "--bind", str(path), str(root / name)], check=False)
            if done.returncode:
                return False
    (root / "dev").mkdir()
    (root / "dev" / "null").touch()
    mount = ["mount", "--bind", "/dev/null", str(root / "dev" / "null")]
    return subprocess.run(mount, check=False).returncode == 0


def _clear(root: Path) -> None:
    import subprocess

    for line in Path("/proc/mounts").read_text().splitlines():
        place = line.split()[1].replace("\\040", " ")
        if place.startswith(str(root)):
            subprocess.run(["umount", place], check=True)


def _assert_ends(world: World, distro: Path, number: int, code: int) -> None:
    pid = world.folder / "pid"
    script = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    process = world.start(**OPTIONS, command=["python", "-c", script])
    deadline = time.monotonic() + 20
    while not (pid.exists() and pid.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == code
    while Path(f"/proc/{pid.read_text()}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
