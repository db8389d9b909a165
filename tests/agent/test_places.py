"""Where an agent keeps things: local, private, its own; and what it does without."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from workers.agent import places
from workers.agent.places import file_system, open_state_directory


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    real = places._candidates
    # The last resort lies outside of the test's folder.
    monkeypatch.setattr(places, "_candidates", lambda *given: real(*given)[:-1])
    return tmp_path


def opened(problems: list[str]) -> str | None:
    found = open_state_directory(problems)
    if found is None:
        return None
    os.close(found[1])
    return found[0]


def test_the_home_is_first_and_made_private(home: Path) -> None:
    found = opened([])
    assert found == str(home / ".local/state/quarterdeck")
    assert stat.S_IMODE(Path(found).stat().st_mode) == 0o700


def test_the_state_home_goes_before_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "elsewhere"))
    assert opened([]) == str(home / "elsewhere/quarterdeck")


def test_a_folder_that_others_could_read_is_closed(home: Path) -> None:
    folder = home / ".local/state/quarterdeck"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    opened([])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["nfs4", "lustre", "fuse.sshfs", "cifs"])
def test_a_network_file_system_is_passed_over_by_name(
    kind: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "file_system", lambda _: kind)
    problems: list[str] = []
    assert opened(problems) is None
    assert kind in problems[0]


def test_a_folder_of_another_user_is_refused(home: Path) -> None:
    if os.geteuid():
        pytest.skip("giving a folder away needs root")
    folder = home / ".local/state/quarterdeck"
    folder.mkdir(parents=True)
    os.chown(folder, 12345, 12345)
    problems: list[str] = []
    assert opened(problems) is None
    assert "another user" in problems[0]


def test_the_file_system_is_known(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w") as file:
        assert file_system(file.fileno()) == _by_stat(tmp_path)


def _by_stat(path: Path) -> str:
    """The type by the longest mount point that holds the path."""
    best, kind = "", ""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        place, found = line.split()[1:3]
        inside = str(path).startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, found
    return kind
