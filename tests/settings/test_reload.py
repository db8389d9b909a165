"""Settings that change while the console runs: what was good stays, the fault is said with file and line,
and it goes on by itself. Real files, real file system events, a real unprivileged process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.settings.conftest import Reporter

Report = Callable[[Path], Reporter]
Write = Callable[[Path, str], Path]

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)
)


def settings(theme: str) -> str:
    return f"ui:\n  theme: {theme}\n"


def test_a_good_change_is_taken(folder: Path, report: Report, written: Write) -> None:
    file = written(folder / "settings.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    written(file, settings("two"))
    reporter.hears("good", "two")


def test_bad_yaml_is_said_with_its_line_once_and_mended(
    folder: Path, report: Report, written: Write
) -> None:
    file = written(folder / "settings.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    written(file, "ui:\n  theme: [\n")
    reporter.hears("bad", f"{file}:3")
    os.utime(file)  # touched, but wrong as before: not said again
    written(file, "ui:\n  theme: three\n  asci: true\n")
    reporter.hears("bad", f"{file}:3: ui.asci: is not known; did you mean ascii?")
    written(file, settings("one"))
    reporter.hears("good", "one")


def test_a_file_written_in_pieces_is_read_whole(
    folder: Path, report: Report, written: Write
) -> None:
    file = written(folder / "settings.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    with open(file, "w") as stream:
        stream.write("ui:\n  theme: tw")
        stream.flush()
        os.fsync(stream.fileno())
        stream.write("o\n")
    reporter.hears("good", "two")
    assert "tw" not in [said["what"] for said in reporter.said()]


def test_a_file_cut_to_nothing_is_not_an_empty_wish(
    folder: Path, report: Report, written: Write
) -> None:
    file = written(folder / "settings.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    written(file, "")
    reporter.hears("bad", f"{file}: is empty")
    written(file, settings("two"))
    reporter.hears("good", "two")


def test_an_editor_that_renames_over_the_file(folder: Path, report: Report, written: Write) -> None:
    file = written(folder / "settings.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    for theme in ("two", "three"):
        written(folder / ".settings.yaml.swp", settings(theme))
        os.rename(file, folder / "settings.yaml~")
        os.rename(folder / ".settings.yaml.swp", file)
        reporter.hears_at_last("good", theme)


def test_a_single_file_replaced_by_rename(folder: Path, report: Report, written: Write) -> None:
    file = written(folder / "mine.yaml", settings("one"))
    reporter = report(file)
    reporter.hears("loaded", "one")
    written(folder / "new", settings("two"))
    os.replace(folder / "new", file)
    reporter.hears("good", "two")


def test_a_folder_whose_data_link_is_swapped(
    folder: Path, report: Report, written: Write, owner: int
) -> None:
    """As Kubernetes mounts a ConfigMap: `settings.yaml -> ..data/settings.yaml`, `..data -> ..1`."""
    for version, theme in (("..1", "one"), ("..2", "two")):
        (folder / version).mkdir(mode=0o700)
        os.chown(folder / version, owner, -1)
        written(folder / version / "settings.yaml", settings(theme))
    (folder / "..data").symlink_to("..1")
    (folder / "settings.yaml").symlink_to("..data/settings.yaml")
    reporter = report(folder)
    reporter.hears("loaded", "one")
    (folder / "..data_tmp").symlink_to("..2")
    os.replace(folder / "..data_tmp", folder / "..data")
    shutil.rmtree(folder / "..1")
    reporter.hears_at_last("good", "two")


def test_a_deleted_file_comes_back(folder: Path, report: Report, written: Write) -> None:
    file = written(folder / "settings.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    file.unlink()
    reporter.hears("bad", f"{file}: is gone")
    written(file, settings("two"))
    reporter.hears_at_last("good", "two")


def test_a_deleted_folder_comes_back(
    folder: Path, report: Report, written: Write, owner: int
) -> None:
    inner = folder / "quarterdeck"
    inner.mkdir(mode=0o700)
    os.chown(inner, owner, -1)
    written(inner / "settings.yaml", settings("one"))
    reporter = report(inner)
    reporter.hears("loaded", "one")
    shutil.rmtree(inner)
    reporter.hears("bad", "settings.yaml: is gone")
    inner.mkdir(mode=0o700)
    os.chown(inner, owner, -1)
    written(inner / "settings.yaml", settings("two"))
    reporter.hears_at_last("good", "two")


def test_a_file_that_may_not_be_read(folder: Path, report: Report, written: Write) -> None:
    file = written(folder / "settings.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    file.chmod(0)
    reporter.hears("bad", f"{file}: Permission denied")
    file.chmod(0o600)
    reporter.hears("good", "one")


def test_a_file_that_others_may_write(folder: Path, report: Report, written: Write) -> None:
    file = written(folder / "settings.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    file.chmod(0o666)
    reporter.hears("bad", f"chmod go-w {file}")
    file.chmod(0o600)
    reporter.hears("good", "one")


def test_an_alias_bomb(folder: Path, report: Report, written: Write) -> None:
    file = written(folder / "settings.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    written(file, BOMB)
    reporter.hears("bad", "aliases")
    written(file, settings("two"))
    reporter.hears("good", "two")


def test_a_second_file_appears(folder: Path, report: Report, written: Write) -> None:
    written(folder / "a.yaml", settings("one"))
    reporter = report(folder)
    reporter.hears("loaded", "one")
    written(folder / "b.yaml", settings("two"))
    reporter.hears("good", "two")
