"""Settings name commands to run: a file that another user could have written is refused, and how to mend it said."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from console.errors import SettingsError
from console.settings.load import load
from tests.settings.conftest import OTHER, Reporter

Report = Callable[[Path], Reporter]
Write = Callable[[Path, str], Path]
GOOD = "ui: {theme: mine}\n"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def test_a_private_file_below_the_sticky_temporary_folder_is_taken(
    folder: Path, report: Report, written: Write
) -> None:
    assert os.stat(folder.parent).st_mode & 0o1002 == 0o1002, "the system's temporary folder"
    report(written(folder / "s.yaml", GOOD)).hears("loaded", "mine")


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o666, 0o777])
def test_a_file_that_others_may_write(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(GOOD)
    file.chmod(mode)
    with pytest.raises(SettingsError, match=f"mode {mode:04o}.*chmod go-w {file}"):
        load(file, environ={})
    file.chmod(mode & ~0o022)
    assert load(file, environ={}).settings.ui.theme == "mine"


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_a_folder_above_that_others_may_write(tmp_path: Path, mode: int) -> None:
    inner = tmp_path / "open" / "inner"
    inner.mkdir(parents=True, mode=0o700)
    (inner / "s.yaml").write_text(GOOD)
    (inner / "s.yaml").chmod(0o600)
    (tmp_path / "open").chmod(mode)
    for path in (inner, inner / "s.yaml"):
        with pytest.raises(SettingsError, match=f"chmod go-w {tmp_path / 'open'}"):
            load(path, environ={})


def test_a_link_is_followed_to_a_folder_that_others_may_write(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "s.yaml").write_text(GOOD)
    (bad / "s.yaml").chmod(0o600)
    bad.chmod(0o777)
    good = tmp_path / "good"
    good.mkdir(mode=0o700)
    (good / "s.yaml").symlink_to(bad / "s.yaml")
    for path in (good, good / "s.yaml"):
        with pytest.raises(SettingsError, match=f"chmod go-w {bad}"):
            load(path, environ={})


@needs_root
@pytest.mark.root
def test_what_another_user_owns(folder: Path, report: Report, written: Write) -> None:
    file = written(folder / "s.yaml", GOOD)
    os.chown(file, OTHER, -1)
    file.chmod(0o644)
    report(file).hears("refused", f"{file}: is owned by user {OTHER}")
    os.chown(file, 0, 0)
    report(file).hears("loaded", "mine")  # root's files are good for all
    inner = folder / "theirs"
    inner.mkdir()
    inner.chmod(0o755)
    os.chown(inner, OTHER, -1)
    report(written(inner / "s.yaml", GOOD)).hears("refused", f"{inner}: is owned by user {OTHER}")


def test_what_may_not_be_read(folder: Path, report: Report, written: Write) -> None:
    file = written(folder / "s.yaml", GOOD)
    file.chmod(0)
    report(folder).hears("refused", f"{file}: Permission denied")
    folder.chmod(0)
    report(folder).hears("refused", f"{folder}: Permission denied")
    folder.chmod(0o700)


def test_a_fifo_in_the_folder_does_not_stop_the_console(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s.yaml", 0o600)
    with pytest.raises(SettingsError, match="is not a regular file"):
        load(tmp_path, environ={})
