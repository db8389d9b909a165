"""Where supervisors are put, decided by logind's settings: with stand-ins for its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.agent.workers.cradle import FORK, UNIT, Login, choose, configuration, look

USER, UID = "ada", 1000


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine that systemd has started."""
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    return tmp_path


def write(machine: Path, file: str, *lines: str) -> None:
    path = machine / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[Login]\n" + "\n".join(lines) + "\n")


def linger(machine: Path) -> None:
    (machine / "var/lib/systemd/linger").mkdir(parents=True)
    (machine / "var/lib/systemd/linger" / USER).touch()


def manager(machine: Path) -> None:
    (machine / f"run/user/{UID}/systemd/private").mkdir(parents=True)


def test_without_systemd_the_supervisor_is_simply_forked(tmp_path: Path) -> None:
    assert look(USER, UID, str(tmp_path)) == Login()
    assert choose(Login(), USER, UID).kind == FORK


def test_a_lingering_user_with_a_manager_gets_a_unit_of_their_own(machine: Path) -> None:
    linger(machine)
    manager(machine)
    found = choose(look(USER, UID, str(machine)), USER, UID)
    assert found.kind == UNIT
    assert found.refusal == ""


def test_a_user_manager_without_linger_is_no_cradle(machine: Path) -> None:
    """A unit there is killed some ten seconds after the last logout."""
    manager(machine)
    found = choose(look(USER, UID, str(machine)), USER, UID)
    assert found.kind == FORK
    assert found.refusal == ""


def test_processes_that_die_at_logout_are_refused_with_the_command_that_helps(
    machine: Path,
) -> None:
    write(machine, "etc/systemd/logind.conf", "KillUserProcesses=yes")
    manager(machine)
    found = choose(look(USER, UID, str(machine)), USER, UID)
    assert "loginctl enable-linger ada" in found.refusal
    linger(machine)
    assert choose(look(USER, UID, str(machine)), USER, UID).kind == UNIT


def test_with_linger_and_no_manager_it_would_still_be_killed(machine: Path) -> None:
    write(machine, "etc/systemd/logind.conf", "KillUserProcesses=yes")
    linger(machine)
    assert "user@1000.service" in choose(look(USER, UID, str(machine)), USER, UID).refusal


@pytest.mark.parametrize("exemption", ["KillExcludeUsers=root ada", "KillOnlyUsers=bob eve"])
def test_a_user_who_is_exempt_is_not_refused(machine: Path, exemption: str) -> None:
    write(machine, "etc/systemd/logind.conf", "KillUserProcesses=yes", exemption)
    assert choose(look(USER, UID, str(machine)), USER, UID).refusal == ""


def test_shared_memory_that_vanishes_at_logout_is_told_before_the_start(machine: Path) -> None:
    found = choose(look(USER, UID, str(machine)), USER, UID)  # RemoveIPC=yes is the default
    assert "RemoveIPC" in found.notes[0]
    assert "loginctl enable-linger ada" in found.notes[0]
    write(machine, "etc/systemd/logind.conf.d/50-ipc.conf", "RemoveIPC=no")
    assert choose(look(USER, UID, str(machine)), USER, UID).notes == ()
    (machine / "etc/systemd/logind.conf.d/50-ipc.conf").unlink()
    linger(machine)
    assert choose(look(USER, UID, str(machine)), USER, UID).notes == ()


def test_of_system_accounts_nothing_is_removed(machine: Path) -> None:
    assert choose(look("daemon", 999, str(machine)), "daemon", 999).notes == ()


def test_a_drop_in_wins_and_the_stronger_folder_hides_the_weaker(machine: Path) -> None:
    write(machine, "usr/lib/systemd/logind.conf", "KillUserProcesses=yes", "RemoveIPC=yes")
    write(machine, "etc/systemd/logind.conf", "#KillUserProcesses=yes", "RemoveIPC = yes")
    write(machine, "usr/lib/systemd/logind.conf.d/10-a.conf", "KillUserProcesses=yes")
    write(machine, "etc/systemd/logind.conf.d/10-a.conf", "; nothing")
    write(machine, "run/systemd/logind.conf.d/90-z.conf", "RemoveIPC=no")
    assert configuration(str(machine)) == {"RemoveIPC": "no"}
