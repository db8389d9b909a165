"""The environment workers are given: the node's own login, nothing of ssh or the console, never a hang."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from workers.agent.workers.login_environment import (
    Account,
    LoginEnvironment,
    account,
    login_environment,
    parse,
    plain_environment,
)


def someone(home: Path, shell: str = "/bin/bash") -> Account:
    return Account("someone", str(home), shell)


def test_what_the_profile_sets_is_there(tmp_path: Path) -> None:
    (tmp_path / ".profile").write_text("export DATA=/data\nexport PATH=$HOME/tools:$PATH\n")
    found, warnings = login_environment(someone(tmp_path))
    assert warnings == ()
    assert found["DATA"] == "/data"
    assert found["PATH"].startswith(f"{tmp_path}/tools:")
    assert found["HOME"] == str(tmp_path)
    assert found["USER"] == found["LOGNAME"] == "someone"


def test_nothing_of_the_agents_own_environment_comes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent.sock")
    monkeypatch.setenv("QUARTERDECK_PASSWORD", "hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter3")
    (tmp_path / ".profile").write_text(
        "export SSH_ASKPASS=/bin/x QD_TOKEN=forged QUARTERDECK_X=1\n"
    )
    found, _ = login_environment(someone(tmp_path))
    assert not [name for name in found if name.startswith(("SSH_", "QD_", "QUARTERDECK_", "AWS_"))]
    assert not {"PWD", "OLDPWD", "SHLVL", "_"} & set(found)


def test_a_talking_profile_and_one_that_leaves_a_process_behind_are_understood(
    tmp_path: Path,
) -> None:
    (tmp_path / ".profile").write_text(
        "echo welcome; printf 'A=1\\0B=2\\0'; sleep 30 &\nexport VALUE='two\nlines'\n"
    )
    began = time.monotonic()
    found, warnings = login_environment(someone(tmp_path), deadline_s=20.0)
    assert warnings == ()
    assert found["VALUE"] == "two\nlines"
    assert "A" not in found
    assert time.monotonic() - began < 15.0


@pytest.mark.parametrize("profile", ["sleep 60", "exec sleep 60", "exit 3", "exec true"])
def test_a_profile_that_hangs_or_ends_gives_a_plain_environment_and_a_warning(
    tmp_path: Path, profile: str
) -> None:
    (tmp_path / ".profile").write_text(profile + "\n")
    found, warnings = login_environment(someone(tmp_path), deadline_s=0.5)
    assert found["HOME"] == str(tmp_path)
    assert "/usr/bin" in found["PATH"]
    assert len(warnings) == 1
    assert "/bin/bash" in warnings[0]


@pytest.mark.parametrize("shell", ["dash", "zsh", "fish", "tcsh"])
def test_every_login_shell_answers(tmp_path: Path, shell: str) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    found, warnings = login_environment(someone(tmp_path, path))
    assert warnings == ()
    assert found["SHELL"] == path


def test_a_shell_that_is_none_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    entry = pwd.getpwuid(os.geteuid())
    for shell in ("/usr/sbin/nologin", "/bin/false", "/no/such/shell", ""):
        fields = (*entry[:6], shell)
        monkeypatch.setattr(pwd, "getpwuid", lambda _, fields=fields: pwd.struct_passwd(fields))
        assert account().shell == "/bin/sh"


def test_a_home_that_is_gone_still_gives_an_environment(tmp_path: Path) -> None:
    found, _ = login_environment(someone(tmp_path / "gone"))
    assert found["HOME"] == str(tmp_path / "gone")


def test_the_systems_own_settings_come_first(tmp_path: Path) -> None:
    system = tmp_path / "environment"
    system.write_text(
        'PATH="/opt/bin:/usr/bin"\n# note\nLANG=de_DE.UTF-8\nexport TZ=UTC\nbad line\n'
    )
    found = plain_environment(someone(tmp_path), str(system))
    assert found["PATH"] == "/opt/bin:/usr/bin"
    assert found["LANG"] == "de_DE.UTF-8"
    assert found["TZ"] == "UTC"


def test_an_answer_that_is_cut_is_no_answer() -> None:
    assert parse(b"m\nA=1\0B=2\0mend\n", "m") == {"A": "1", "B": "2"}
    assert parse(b"m\nA=1\0B=2", "m") is None
    assert parse(b"A=1\0mend\n", "m") is None
    assert parse(b"", "m") is None


def test_it_is_made_once_and_given_as_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".profile").write_text("echo x >> $HOME/asked\n")
    environment = LoginEnvironment()
    environment.variables()["HOME"] = "changed"
    assert environment.variables()["HOME"] == str(tmp_path)
    assert (tmp_path / "asked").read_text() == "x\n"
