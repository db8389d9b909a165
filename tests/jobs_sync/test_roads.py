"""The three roads, over an `ssh` that is a script: here, from here, and between two that do not reach each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.jobs_sync.scenes import Scene, fake_ssh, parts, script
from workers.jobs import sync
from workers.ledger.names import UnsafeName

NAMES = ["-n.jsonl", "--delete.jsonl", "a b.jsonl", "a'b\"c.jsonl", "ü 日本.jsonl", "$(x);`y`.jsonl", "*?[.jsonl"]  # fmt: skip

AS_REAL = 'case "$*" in *--version*) exec /usr/bin/rsync --version;; esac\n'


def relayed(scene: Scene, before: str = "") -> dict[str, Any]:
    """Changes of a document: the destination is another machine."""
    return {
        "hosts": {
            "gpu-1": {"ssh": fake_ssh(scene.folder, "gpu-1"), "root": str(scene.root)},
            "store": {"ssh": fake_ssh(scene.folder, "store", before), "root": "~"},
        },
        "destination": {"node": "store", "path": str(scene.destination)},
    }


@pytest.mark.long
def test_names_that_a_shell_or_rsync_could_take_for_more(scene: Scene) -> None:
    scene.ssh = fake_ssh(scene.folder)
    for name in NAMES:
        scene.put(f"d/{name}", f'{{"{len(name)}":1}}\n')
    scene.run()
    for name in NAMES:
        assert scene.copy("games", f"d/{name}").read_text() == f'{{"{len(name)}":1}}\n'
    scene.check()


def test_names_that_are_refused_are_named_and_the_others_go(scene: Scene) -> None:
    scene.put("d/fine.jsonl", "{}\n")
    scene.put("d/new\nline.jsonl", "{}\n")
    odd = bytes(scene.root / "d") + b"/\xff.jsonl"
    Path(odd.decode("utf-8", "surrogateescape")).write_bytes(b"{}\n")
    error = scene.failing()
    assert "control characters" in str(error)
    assert "not UTF-8" in str(error)
    assert "\n" not in str(error)
    assert [entry.path for entry in scene.synced()] == ["d/fine.jsonl"]
    assert issubclass(UnsafeName, ValueError)


def test_a_relay_brings_bytes_across_and_nothing_here(scene: Scene) -> None:
    for name in (*NAMES, "grows.jsonl"):
        scene.put(f"d/{name}", "{}\n")
    changes = relayed(scene)
    text = sync.plan(scene.document(**changes)).text()
    assert "relayed by this machine to store" in text
    assert "rsync --server --sender" in text
    scene.run(**changes)
    scene.put("d/grows.jsonl", "{}\n" * 1000, age_s=1)
    worker = scene.run(**changes)
    assert parts(worker)["gpu-1"]["state"] == "done"
    assert scene.copy("games", "d/grows.jsonl").read_text() == "{}\n" * 1000
    assert len(list(scene.copy("games", "d").iterdir())) == len(NAMES) + 1
    scene.check()
    assert list((scene.folder / "home/.cache/quarterdeck").iterdir()) == []


def test_a_destination_that_asks_for_more_gets_what_was_listed(scene: Scene) -> None:
    scene.put("d/a.jsonl", "{}\n")
    scene.put("secret", "key")
    loot = scene.folder / "loot"
    asking = (
        f'exec "$HERE/rsync.real" -rt --no-s --blocking-io --rsh="$RSH" x:{scene.root}/ {loot}/'
    )
    script(
        scene.folder / "evil",
        "rsync",
        AS_REAL + 'for word in "$@"; do case "$word" in --rsh=*) RSH=${word#--rsh=};; esac; done\n'
        f'HERE={scene.folder}/evil; [ "$1" = --server ] && exec "$HERE/rsync.real" "$@"\n{asking}\n',
    )
    (scene.folder / "evil/rsync.real").symlink_to("/usr/bin/rsync")
    loot.mkdir()
    error = scene.failing(**relayed(scene, f"PATH={scene.folder}/evil:$PATH"))
    assert "did not arrive" in str(error)
    assert not list(loot.rglob("secret"))
    assert scene.synced() == []


def test_a_destination_that_asks_for_another_command_gets_none(scene: Scene) -> None:
    scene.put("d/a.jsonl", "{}\n")
    script(
        scene.folder / "evil",
        "rsync",
        AS_REAL + 'for word in "$@"; do case "$word" in --rsh=*) RSH=${word#--rsh=};; esac; done\n'
        f'eval "$RSH x touch {scene.folder}/was-run"\n',
    )
    error = scene.failing(**relayed(scene, f"PATH={scene.folder}/evil:$PATH"))
    assert "store asked for" in str(error)
    assert not (scene.folder / "was-run").exists()


@pytest.mark.parametrize(
    ("end", "before", "code", "words"),
    [
        ("gpu-1", 'case "$*" in *--sender*) echo "Connection reset" >&2; exit 255;; esac', 3, "gpu-1 cannot be reached by ssh: Connection reset"),
        ("store", 'case "$*" in *progress2*) exec no-such-rsync;; esac', 1, "rsync on store did not begin"),
    ],
    ids=["source", "destination"],
)  # fmt: skip
def test_an_end_of_a_relay_that_fails_is_named(
    scene: Scene, end: str, before: str, code: int, words: str
) -> None:
    scene.put("d/a.jsonl", "{}\n")
    changes = relayed(scene)
    changes["hosts"][end]["ssh"] = fake_ssh(scene.folder, end, before)
    error = scene.failing(**changes)
    assert error.code == code
    assert words in str(error)
    assert scene.synced() == []


@pytest.mark.long
def test_from_this_machine_to_a_far_destination(scene: Scene) -> None:
    scene.put("d/a.jsonl", "{}\n")
    changes = relayed(scene)
    changes["hosts"]["gpu-1"]["ssh"] = None
    scene.run(**changes)
    scene.put("d/a.jsonl", "{}\n{}\n", age_s=1)
    scene.run(**changes)
    assert scene.copy("games", "d/a.jsonl").read_text() == "{}\n{}\n"


@pytest.mark.long
def test_the_destination_s_own_files(scene: Scene) -> None:
    scene.nodes = {"store": scene.root}
    scene.put("d/a.jsonl", "{}\n")
    changes = relayed(scene)
    changes["hosts"] = {"store": {**changes["hosts"]["store"], "root": str(scene.root)}}
    scene.run(**changes)
    assert scene.copy("games", "d/a.jsonl", "store").read_text() == "{}\n"


def push(scene: Scene, *paths: str) -> dict[str, Any]:
    """From this machine's home to that of a far one."""
    far = scene.folder / "far"
    far.mkdir(exist_ok=True)
    return {
        "hosts": {
            "gpu-1": {"ssh": fake_ssh(scene.folder, before=f"export HOME={far}"), "root": "~"}
        },
        "sources": ["local", "gpu-1"],
        "datasets": [],
        "options": {"direction": "push", "paths": list(paths)},
    }


def test_models_are_pushed_whole_or_not_at_all(scene: Scene) -> None:
    home = scene.folder / "home"
    scene.put("models/best.safetensors", b"x" * 5000, root=home)
    scene.put("models/.hidden/a b'c", b"y", root=home)
    (home / "models/link").symlink_to("best.safetensors")
    there = scene.put("absolute/z", b"z", root=scene.folder)
    far = scene.folder / "far/models"
    changes = push(scene, "~/models", str(there))
    text = sync.plan(scene.document(**changes)).text()
    assert (
        "3 files, 5.0 kB" not in text
    )  # the absolute one lies there already: it is the same machine
    assert "2 files, 5.0 kB" in text
    assert "left out: models/link" in text
    worker = scene.run(**changes)
    assert parts(worker)["gpu-1"]["message"] == "2 files, 5.0 kB pushed"
    assert (far / "best.safetensors").read_bytes() == b"x" * 5000
    assert (far / ".hidden/a b'c").read_bytes() == b"y"
    assert not (far / "link").is_symlink()
    worker = scene.run(**changes)
    assert parts(worker)["gpu-1"]["message"] == "0 files, 0 B pushed"


@pytest.mark.parametrize(
    ("content", "age_s", "words"),
    [
        (b"x" * 10, 5, "larger there"),
        (b"x" * 10_000, -5, "newer there"),
        (b"x" * 10_000, 5, ""),
    ],
    ids=["larger", "newer", "older"],
)
def test_a_push_spares_what_is_larger_or_newer(
    scene: Scene, content: bytes, age_s: int, words: str
) -> None:
    far = scene.put("m/best", b"y" * 5000, root=scene.folder / "far")
    scene.put("m/best", content, root=scene.folder / "home", age_s=age_s)
    changes = push(scene, "m")
    if words:
        assert words in str(scene.failing(**changes))
    else:
        scene.run(**changes)
    assert (far.read_bytes() == content) == (words == "")


def test_what_cannot_be_pushed_is_said(scene: Scene) -> None:
    for path, words in (
        ("none", "there is no"),
        ("../x", "below the home"),
        ("~ben/x", "below the home"),
    ):
        error = scene.failing(**push(scene, path))
        assert error.code == 4
        assert words in str(error)
