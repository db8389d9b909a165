"""Nodes are written to the settings, checked in words, and trusted only by the key that was compared."""

from __future__ import annotations

from pathlib import Path

from console.operations.code_versions import CodeVersion, CodeVersions
from tests.cli.program import Program
from tests.sshd import SshdFactory


def test_added_nodes_are_listed_and_removed_without_dialling(quarterdeck: Program) -> None:
    added = quarterdeck(
        "nodes", "add", "ann@127.0.0.1:9", "--name", "h1", "--tag", "selfplay", "--root", "run"
    )  # fmt: skip
    assert added.code == 0, added.err
    (node,) = quarterdeck("nodes", "list", "--json").json["nodes"]
    assert (node["name"], node["address"], node["user"], node["port"], node["tags"]) == (
        "h1", "127.0.0.1", "ann", 9, ["selfplay"],
    )  # fmt: skip
    assert "selfplay" in quarterdeck("nodes", "list").out
    again = quarterdeck("nodes", "add", "h1")
    assert again.code == 2
    assert "already" in again.err
    assert quarterdeck("nodes", "remove", "h1", "--read-only").code == 4
    assert quarterdeck("nodes", "remove", "h1").code == 0
    (left,) = quarterdeck("nodes", "list", "--json").json["nodes"]
    assert left["name"] == "local"
    assert quarterdeck("nodes", "remove", "h1").code == 2


def test_a_check_of_this_machine_finds_it_well(quarterdeck: Program) -> None:
    done = quarterdeck("nodes", "check", "local", "--json")
    assert done.code == 0, done
    (report,) = done.json["nodes"]
    assert (report["node"], report["state"], report["ok"]) == ("local", "up", True)
    assert any(finding["what"] == "python" for finding in report["findings"])


def test_a_check_of_a_refused_host_says_so(quarterdeck: Program) -> None:
    done = quarterdeck("nodes", "check", "127.0.0.1:9")
    assert done.code == 3
    assert "refused" in done.out


def test_a_host_key_is_trusted_by_its_fingerprint_and_no_other(
    quarterdeck: Program, sshd_factory: SshdFactory, tmp_path: Path
) -> None:
    server = sshd_factory()
    quarterdeck.settings(
        f"nodes:\n  - {{name: h1, address: {server.host}, port: {server.port}, "
        f"user: {server.user}, identity: {server.key}}}\n"
    )
    done = quarterdeck("status", "--json")
    assert done.code == 3
    assert done.json["nodes"][0]["state"] == "attention"
    assert done.json["alerts"][0]["key"] == "T"
    wrong = quarterdeck("nodes", "trust", "h1", "--fingerprint", "SHA256:" + "A" * 43)
    assert wrong.code == 4
    assert server.fingerprint in wrong.err
    unasked = quarterdeck("nodes", "trust", "h1")
    assert unasked.code == 4
    right = quarterdeck("nodes", "trust", "h1", "--fingerprint", server.fingerprint, "--json")
    assert right.code == 0, right.err
    assert right.json["trusted"][0]["fingerprint"] == server.fingerprint
    assert right.json["state"] == "up"
    assert quarterdeck("status", "--json").json["nodes"][0]["state"] == "up"

    removed = quarterdeck("nodes", "uninstall", "h1", "--yes", "--json")
    assert removed.code == 0, removed.err
    assert removed.json["removed"]

    server.swap_host_key()
    changed = quarterdeck("nodes", "trust", "h1", "--fingerprint", server.fingerprint)
    assert changed.code == 4
    assert "CHANGED" in changed.err


def test_the_code_of_a_node_is_shown_as_it_was_last_seen(quarterdeck: Program) -> None:
    quarterdeck("nodes", "add", "gpu-1")
    versions = CodeVersions(
        quarterdeck.home / ".local/state/quarterdeck/console/code-versions.json"
    )
    versions.note("gpu-1", "~/run", CodeVersion("a" * 40, "main", 2, "/venv 3.12.1"))
    (node,) = quarterdeck("nodes", "list", "--json").json["nodes"]
    assert (node["code"][0]["commit"], node["code"][0]["dirty"]) == ("a" * 40, 2)
    assert "main aaaaaaaaaa*" in quarterdeck("nodes", "list").out
