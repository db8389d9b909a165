"""Defaults, then the user's files, then the environment, then the command line: who wins, and where it says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.errors import SettingsError
from console.fleet.model import Transport
from console.settings.load import load
from console.settings.model import Settings


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_the_shipped_files_say_what_the_program_does(tmp_path: Path) -> None:
    shipped = load(environ={"HOME": str(tmp_path)}).settings
    built_in = Settings()
    assert shipped.alert_rules() == built_in.alert_rules()
    leave = {"alerts", "ssh", "datasets", "presets", "jobs"}  # the last three are only shipped
    assert shipped.model_dump(exclude=leave) == built_in.model_dump(exclude=leave)
    own = {"own_known_hosts"}
    assert shipped.ssh.model_dump(exclude=own) == built_in.ssh.model_dump(exclude=own)


def test_without_anything_this_machine_is_the_fleet(tmp_path: Path) -> None:
    (local,) = load(environ={"HOME": str(tmp_path)}).specs()
    assert (local.name, local.transport) == ("local", Transport.LOCAL)


def test_local_stays_where_it_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "s.yaml", "nodes: [gpu-1, local]\n")
    named = load(file, environ={}).specs()
    assert [(s.name, s.transport) for s in named] == [
        ("gpu-1", Transport.SSH),
        ("local", Transport.LOCAL),
    ]
    write(tmp_path, "s.yaml", "nodes: [gpu-1]\n")
    assert [s.name for s in load(file, environ={}).specs()] == ["gpu-1"]


def test_each_layer_wins_over_the_one_below_and_is_named(tmp_path: Path) -> None:
    user = tmp_path / ".config" / "quarterdeck"
    file = write(user, "settings.yaml", "interval: 2s\nui:\n  theme: a\n  sort: cpu\n")
    environ = {"HOME": str(tmp_path), "QUARTERDECK_UI_THEME": "b", "QUARTERDECK_UI__ASCII": "true"}
    loaded = load(environ=environ, flags={"ui.ascii": False, "ui.theme": None, "read_only": True})
    assert (loaded.settings.interval, loaded.settings.ui.sort) == (2.0, "cpu")
    assert (loaded.settings.ui.theme, loaded.settings.ui.ascii) == ("b", False)
    assert loaded.settings.read_only
    assert loaded.origins["interval"] == f"{file}:1"
    assert loaded.origins["ui.sort"] == f"{file}:4"
    assert loaded.origins["ui.theme"] == "environment QUARTERDECK_UI_THEME"
    assert loaded.origins["ui.ascii"] == "command line"
    assert loaded.origins["ui.mouse"].endswith("settings.yaml:44")
    assert loaded.files == (file,)


def test_a_named_file_replaces_the_users_folder(tmp_path: Path) -> None:
    write(tmp_path / ".config" / "quarterdeck", "settings.yaml", "read_only: true\n")
    mine = write(tmp_path, "mine.yaml", "ui: {theme: mine}\n")
    for loaded in (
        load(mine, environ={"HOME": str(tmp_path)}),
        load(environ={"HOME": str(tmp_path), "QUARTERDECK_CONFIG": str(mine)}),
    ):
        assert loaded.settings.ui.theme == "mine"
        assert not loaded.settings.read_only
        assert loaded.files == (mine,)


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml: No such file"):
        load(tmp_path / "nowhere.yaml", environ={})


def test_the_working_directory_is_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("settings.yaml", "quarterdeck.yaml", ".quarterdeck.yaml", "config/settings.yaml"):
        write((tmp_path / name).parent, Path(name).name, "read_only: true\n")
    monkeypatch.chdir(tmp_path)
    assert not load(environ={"HOME": str(tmp_path / "home")}).settings.read_only


def test_lists_merge_by_name_over_files_and_layers(tmp_path: Path) -> None:
    write(
        tmp_path, "10.yaml", "nodes:\n  - {name: a, user: u, tags: [x]}\n  - {name: b, port: 22}\n"
    )
    write(tmp_path, "20.yaml", "nodes:\n  - {name: b, port: 2222}\n  - c\n")
    environ = {"QUARTERDECK_NODES": "[{name: a, root: /data}]"}
    loaded = load(tmp_path, environ=environ)
    a, b, c = loaded.specs()
    assert (a.name, a.user, a.tags, a.root) == ("a", "u", ("x",), "/data")
    assert (b.port, c.name) == (2222, "c")
    assert loaded.origins["nodes.a.root"] == "environment QUARTERDECK_NODES"
    assert loaded.origins["nodes.b.port"] == f"{tmp_path}/20.yaml:2"


def test_an_empty_key_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "s.yaml", "nodes:\nui:\n  theme:\nalerts:\n  memory:\n    limit: 80\n")
    settings = load(tmp_path, environ={}).settings
    assert settings.ui.theme == Settings().ui.theme
    rule = settings.alert_rules().memory
    assert (rule.limit, rule.for_s) == (80.0, Settings().alert_rules().memory.for_s)


def test_an_environment_list_may_be_written_with_commas(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "QUARTERDECK_NODES": "a, u@c:2222"}
    a, c = load(environ=environ).specs()
    assert (a.name, c.name, c.user, c.port) == ("a", "c", "u", 2222)


def test_a_misspelt_variable_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError,
        match="QUARTERDECK_READONLY: is not known; did you mean QUARTERDECK_READ_ONLY",
    ):
        load(environ={"HOME": str(tmp_path), "QUARTERDECK_READONLY": "true"})


def test_hosts_of_the_command_line_take_what_is_configured_of_them(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "s.yaml",
        "nodes:\n  - {name: a, address: 10.0.0.1, tags: [x]}\n  - b\n"
        "datasets:\n  - {name: d, nodes: 'tag:x', paths: [g/*.jsonl]}\n  - {name: e, paths: h}\n",
    )
    a, c = load(file, environ={}, hosts=("a", "u@c:2222")).specs()
    seen = [[watch.name for watch in spec.expected_datasets] for spec in (a, c)]
    assert (a.address, seen[0]) == ("10.0.0.1", ["d", "e"])
    assert (c.name, c.user, c.port, seen[1]) == ("c", "u", 2222, ["e"])


def test_the_shapes_of_the_manual(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "s.yaml",
        """
nodes:
  - {name: h1, address: 10.77.0.3, user: root, port: 22, identity: ~/.ssh/id_ed25519, jump: bastion, tags: [selfplay], root: ~/run}
ssh: {config: ~/.ssh/config, known_hosts: [~/.ssh/known_hosts, ~/.config/quarterdeck/known_hosts]}
datasets:
  - {name: hex8_2p, nodes: "tag:selfplay", paths: ["data/selfplay/hex8_2p/**/*.jsonl"], count: lines, stale_after: 60m}
""",
    )
    settings = load(file, environ={}).settings
    (h1,) = settings.node_specs()
    assert (h1.address, h1.user, h1.port, h1.jump, h1.root) == (
        "10.77.0.3",
        "root",
        22,
        "bastion",
        "~/run",
    )
    assert h1.identity == os.path.expanduser("~/.ssh/id_ed25519")
    hex8 = next(watch for watch in h1.datasets if watch.name == "hex8_2p")
    assert hex8.paths == ("data/selfplay/hex8_2p/**/*.jsonl",)
    assert settings.alert_rules().stale_after == (("hex8_2p", 3600.0),)
    assert len(settings.ssh.known_hosts) == 2


def test_every_example_in_the_shipped_files_is_good(tmp_path: Path) -> None:
    """The commented examples, taken out of their comments."""
    shipped = Path(__file__).parents[2] / "config"
    for source in (shipped / f"{name}.yaml" for name in ("nodes", "datasets", "workers")):
        lines = source.read_text().splitlines()
        start = next(
            i for i, line in enumerate(lines) if line in ("# nodes:", "# datasets:", "# presets:")
        )
        example = [line.removeprefix("#")[1:] for line in lines[start:] if line.startswith("#")]
        write(tmp_path, source.name, "\n".join(example) + "\n")
    settings = load(tmp_path, environ={}).settings
    assert [node.name for node in settings.nodes] == ["local", "gpu-1", "gpu-2"]
    hex8 = next(dataset for dataset in settings.datasets if dataset.name == "hex8_2p")
    assert hex8.stale_after == 3600.0
    presets = {preset.name: preset for preset in settings.presets}
    selfplay, train = presets["selfplay"], presets["train"]
    assert presets["reversi-selfplay"].code == "workers"
    assert (selfplay.grace, selfplay.nodes, train.restart.policy) == (
        10.0,
        "tag:selfplay",
        "on-failure",
    )
    assert settings.retention.runs == 20
