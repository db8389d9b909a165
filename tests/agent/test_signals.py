"""Signals by identity: the process that was meant, or none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.conftest import eventually, identity, run_apart
from workers.agent import signals
from workers.agent.signals import deliver
from workers.protocol import SignalOutcome, SignalProcess


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("pidfd", [True, False])
def test_term_reaches_the_process(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, pidfd: bool
) -> None:
    if not pidfd:
        monkeypatch.delattr(signals.signal, "pidfd_send_signal", raising=False)
    outcome = deliver(SignalProcess(identity(sleeper.pid), "TERM"))
    assert outcome == SignalOutcome(True, "delivered")
    assert sleeper.wait(10) == -signal.SIGTERM


def test_stop_cont_int_and_kill_do_what_they_say(sleeper: subprocess.Popen[bytes]) -> None:
    who = identity(sleeper.pid)
    assert deliver(SignalProcess(who, "STOP")).delivered
    eventually(lambda: state_of(sleeper.pid) == "T")
    assert deliver(SignalProcess(who, "CONT")).delivered
    eventually(lambda: state_of(sleeper.pid) == "S")
    assert deliver(SignalProcess(who, "KILL")).delivered
    assert sleeper.wait(10) == -signal.SIGKILL


def test_a_process_that_ended_is_said_to_be_gone() -> None:
    process = subprocess.Popen(["sleep", "600"])
    who = identity(process.pid)
    process.kill()
    process.wait()
    assert deliver(SignalProcess(who, "TERM")) == SignalOutcome(False, "already gone")


def test_other_start_ticks_are_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    who = identity(sleeper.pid)
    outcome = deliver(SignalProcess(who._replace(start_ticks=who.start_ticks - 1), "KILL"))
    assert outcome == SignalOutcome(False, "another process has this number now")
    assert sleeper.poll() is None


def test_another_boot_or_namespace_is_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    who = identity(sleeper.pid)
    rebooted = deliver(SignalProcess(who._replace(boot_id="0" * 36), "KILL"))
    moved = deliver(SignalProcess(who._replace(pid_namespace=1), "KILL"))
    assert not rebooted.delivered
    assert rebooted.reason.startswith("already gone")
    assert not moved.delivered
    assert moved.reason.startswith("another process has this number now")
    assert sleeper.poll() is None


@pytest.mark.parametrize("pid", [1, 0, -1, -4711])
def test_process_one_and_groups_are_refused(pid: int) -> None:
    who = identity(os.getpid())._replace(pid=pid)
    assert "refused" in deliver(SignalProcess(who, "KILL")).reason


def test_the_agent_itself_is_refused() -> None:
    assert "agent itself" in deliver(SignalProcess(identity(os.getpid()), "KILL")).reason


def test_only_the_five_signals_are_known(sleeper: subprocess.Popen[bytes]) -> None:
    outcome = deliver(SignalProcess(identity(sleeper.pid), "SEGV"))
    assert not outcome.delivered
    assert "TERM, KILL, INT, STOP, CONT" in outcome.reason
    assert sleeper.poll() is None


FOREIGN = """
import os
from workers.machine.boot import boot_id, pid_namespace
from workers.machine.process import start_ticks
from workers.agent.signals import deliver
from workers.protocol import ProcessIdentity, SignalProcess
pid = {pid}
print(deliver(SignalProcess(ProcessIdentity(boot_id(), pid_namespace(), pid, start_ticks(pid)), "TERM")).reason)
"""


@pytest.mark.root
def test_a_process_of_another_user_is_not_permitted(sleeper: subprocess.Popen[bytes]) -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    drop = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    said = run_apart(FOREIGN.format(pid=sleeper.pid), python, *drop)
    assert said.strip() == "not permitted"
    assert sleeper.poll() is None


# Runs as process 1 of a PID namespace, where the next process number can be chosen.
REUSE = """
import os, signal, time
from workers.machine.boot import boot_id, pid_namespace
from workers.machine.process import start_ticks
from workers.agent.signals import deliver
from workers.protocol import ProcessIdentity, SignalProcess

NUMBER = 4242

def start():
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(NUMBER - 1))
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    assert pid == NUMBER, pid
    return pid

def end():
    os.kill(NUMBER, signal.SIGKILL)
    os.waitpid(NUMBER, 0)

def replace():
    # A number passes on within one tick only if it is forced to; the tick is what is told apart.
    before = start_ticks(NUMBER)
    end()
    while True:
        start()
        if start_ticks(NUMBER) != before:
            return
        end()
        time.sleep(0.002)

def replaced_before_the_look(pid):
    replace()
    return start_ticks(pid)

def replaced_after_the_look(pid):
    seen = start_ticks(pid)
    replace()
    return seen

def replaced_long_before(pid):
    return start_ticks(pid)

reasons = {}
for attempt in range(TRIES):
    start()
    who = ProcessIdentity(boot_id(), pid_namespace(), NUMBER, start_ticks(NUMBER))
    look = (replaced_before_the_look, replaced_after_the_look, replaced_long_before)[attempt % 3]
    if look is replaced_long_before:
        replace()
    outcome = deliver(SignalProcess(who, "KILL"), look)
    assert not outcome.delivered, outcome
    reasons[outcome.reason] = reasons.get(outcome.reason, 0) + 1
    time.sleep(0)
    assert os.waitpid(NUMBER, os.WNOHANG) == (0, 0), "the wrong process was signalled"
    end()
print(sorted(reasons))
"""


def _reuse(tries: int) -> str:
    if os.geteuid() != 0:
        pytest.skip("choosing process numbers needs root and a PID namespace")
    if not hasattr(os, "pidfd_open"):
        pytest.skip("this Python has no pidfd")
    before = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    return run_apart(REUSE.replace("TRIES", str(tries)), sys.executable, *before)


@pytest.mark.root
def test_a_reused_number_is_never_signalled() -> None:
    assert _reuse(150).strip() == "['already gone', 'another process has this number now']"


@pytest.mark.root
@pytest.mark.long
def test_a_reused_number_is_never_signalled_in_1000_tries() -> None:
    assert _reuse(1000).strip() == "['already gone', 'another process has this number now']"
