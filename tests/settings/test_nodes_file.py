"""Adding and removing nodes changes the lines of those nodes and nothing else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from console.errors import SettingsError
from console.fleet.model import NodeSpec
from console.settings.hosts import parse_host
from console.settings.load import load
from console.settings.nodes_file import NodesFile

MINE = """# my machines
ui:
  theme: dark   # I like it

nodes:
  # the good one
  - {name: a, user: u}   # first
  - name: b
    port: 2222
    tags:
      - x
  - c

# the end
datasets:
  - {name: d, paths: [x]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "quarterdeck" / "nodes.yaml"


def names(file: Path) -> list[str]:
    return [spec.name for spec in load(file, environ={}).specs()]


def test_a_new_file_is_private_and_holds_what_was_given(file: Path) -> None:
    full = NodeSpec(
        name="h1",
        address="10.77.0.3",
        user="root",
        port=2222,
        identity="~/.ssh/id",
        jump="bastion",
        tags=("selfplay", "x"),
        root="/my run: #1",
        environment=(("A", "1"), ("B", "it's")),
        disks=("/", "/data"),
    )
    old = os.umask(0)
    try:
        NodesFile(file).add(full)
    finally:
        os.umask(old)
    NodesFile(file).add(parse_host("::1"))
    NodesFile(file).add(parse_host("local"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    h1, six, local = load(file, environ={}).settings.nodes
    assert (h1.address, h1.user, h1.port, h1.jump) == ("10.77.0.3", "root", 2222, "bastion")
    assert (h1.root, h1.disks, h1.tags) == ("/my run: #1", ("/", "/data"), ("selfplay", "x"))
    assert h1.environment == {"A": "1", "B": "it's"}
    assert (six.name, local.name) == ("::1", "local")


def test_names_that_look_like_other_things_come_back_as_names(file: Path) -> None:
    odd = ["true", "null", "12", "1e3", "no"]
    for name in odd:
        NodesFile(file).add(NodeSpec(name=name))
    assert names(file) == odd


def test_comments_and_everything_else_stay(file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    file.write_text(MINE)
    file.chmod(0o600)
    NodesFile(file).add(NodeSpec(name="e", tags=("y",)))
    after = file.read_text()
    assert after == MINE.replace("  - c\n", "  - c\n  - {name: e, tags: [y]}\n")
    NodesFile(file).remove("e")
    assert file.read_text() == MINE
    NodesFile(file).remove("b")
    assert file.read_text() == MINE.replace(
        "  - name: b\n    port: 2222\n    tags:\n      - x\n", ""
    )
    NodesFile(file).remove("a")
    NodesFile(file).remove("c")
    assert names(file) == ["local"]
    assert "# the good one" in file.read_text()
    NodesFile(file).add(NodeSpec(name="z"))
    assert names(file) == ["z"]


@pytest.mark.parametrize(
    "before",
    ["", "# only words", "ui: {theme: x}", "nodes: []\n", "nodes:\n", "nodes:\n- a", "nodes: # mine\n    - a\n", "nodes: []  # none yet\nui: {}\n"],
)  # fmt: skip
def test_any_usual_form_can_be_added_to(file: Path, before: str) -> None:
    file.parent.mkdir(mode=0o700)
    file.write_text(before)
    file.chmod(0o600)
    NodesFile(file).add(NodeSpec(name="new"))
    assert names(file)[-1] == "new"
    NodesFile(file).remove("new")
    assert "new" not in names(file)


def test_what_cannot_be_edited_safely_is_left_alone(file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    for text in ("nodes: [a, b]\n", "nodes: [{name: a},\n  {name: b}]\n", "{nodes: [a]}\n"):
        file.write_text(text)
        file.chmod(0o600)
        for change in (
            lambda: NodesFile(file).add(NodeSpec(name="n")),
            lambda: NodesFile(file).remove("a"),
        ):
            with pytest.raises(SettingsError, match="by hand"):
                change()
        assert file.read_text() == text


def test_a_name_that_is_there_and_one_that_is_not(file: Path) -> None:
    NodesFile(file).add(NodeSpec(name="a"))
    with pytest.raises(SettingsError, match=r"nodes\.a: is there already"):
        NodesFile(file).add(NodeSpec(name="a"))
    with pytest.raises(SettingsError, match=r"nodes\.b: is not there"):
        NodesFile(file).remove("b")


def test_a_link_into_a_repository_of_dotfiles_stays_a_link(tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir(mode=0o700)
    (dotfiles / "nodes.yaml").write_text("nodes: []\n")
    (dotfiles / "nodes.yaml").chmod(0o600)
    file = tmp_path / "nodes.yaml"
    file.symlink_to(dotfiles / "nodes.yaml")
    NodesFile(file).add(NodeSpec(name="a"))
    assert file.is_symlink()
    assert "name: a" in (dotfiles / "nodes.yaml").read_text()
