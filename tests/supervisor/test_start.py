"""What a worker finds when it begins, and what a person reads when it cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.supervisor.world import LOGIN, PYTHON, World, eventually, run_quietly
from workers.machine import boot
from workers.machine.process import start_ticks
from workers.protocol import RestartRule, SecretReference, Variable
from workers.supervisor import exit_record, pid_record
from workers.supervisor.pid_record import PidRecord

SHOWS = (
    "import json,os,signal,sys\n"
    "status=open('/proc/self/status').read()\n"
    "field=lambda n: next(l.split()[1] for l in status.splitlines() if l.startswith(n+':'))\n"
    "print(json.dumps(dict(env=dict(os.environ), cwd=os.getcwd(), nice=os.nice(0),\n"
    "  cpus=sorted(os.sched_getaffinity(0)), umask=field('Umask'),\n"
    "  stdin=os.readlink('/proc/self/fd/0'), argv=sys.argv[1:])))"
)


def shown(world: World, **fields: object) -> dict[str, object]:
    worker = world.start("/usr/bin/env", "python3", "-I", "-S", "-c", SHOWS, "ü \n$(id)", **fields)
    assert worker.finished().exit_code == 0, worker.output(stream="err")
    found = json.loads(worker.output())
    assert isinstance(found, dict)
    return {**found, "worker": worker}


def test_worker_has_the_nodes_environment_and_the_contract_and_nothing_of_the_console(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("from-file\nsecond line\n")
    foreign = {"SSH_AUTH_SOCK": "/x", "QUARTERDECK_HOME": "/y", "QD_TOKEN": "forged", "TOKEN": "t1"}
    world.login = {**LOGIN, **foreign, "FROM_LOGIN": "ü\udcff"}
    found = shown(
        world,
        environment=(Variable("A", "b c"), Variable("OMP_NUM_THREADS", "9")),
        secrets=(
            SecretReference("S1", "env", "TOKEN"),
            SecretReference("S2", "file", str(tmp_path / "key")),
        ),
        threads=3,
        gpus=2,
        gpu_indices=(5, 1),
        nice=3,
        affinity=(0,),
    )
    env, worker = found["env"], found["worker"]
    assert isinstance(env, dict)
    assert env["FROM_LOGIN"] == "ü\udcff"
    assert (env["A"], env["S1"], env["S2"]) == ("b c", "t1", "from-file")
    assert (env["OMP_NUM_THREADS"], env["MKL_NUM_THREADS"]) == ("9", "3"), "the preset's own wins"
    assert env["CUDA_VISIBLE_DEVICES"] == "5,1"
    assert env["PYTHONUNBUFFERED"] == "1"
    assert env["QD_TOKEN"] == f"{world.key}:{worker.run.run_id}"  # type: ignore[attr-defined]
    assert env["QD_RUN_DIR"] == worker.paths.folder  # type: ignore[attr-defined]
    assert not [name for name in env if name.startswith(("SSH_", "QUARTERDECK_", "PYTHONUTF8"))]
    assert (found["nice"], found["cpus"], found["cwd"]) == (3, [0], str(tmp_path))
    assert (found["umask"], found["stdin"]) == ("0022", "/dev/null")
    assert found["argv"] == ["ü \n$(id)"]
    stored = subprocess.run(
        ["grep", "-rlE", 'from-file|t1"', str(world.folder / "nodes")], capture_output=True
    ).stdout.decode()
    assert all(path.endswith("out.log") for path in stored.split()), "a secret was kept"


def test_no_signal_is_blocked_or_ignored(world: World) -> None:
    worker = world.start("grep", "^Sig[BI]", "/proc/self/status")
    assert worker.finished().exit_code == 0
    masks = [line.split()[1].strip("0") for line in worker.output().splitlines()]
    assert masks == ["", ""]


def test_worker_without_wishes_gets_none(world: World) -> None:
    found = shown(world, unbuffered=False)
    env = found["env"]
    assert isinstance(env, dict)
    assert not {"CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "PYTHONUNBUFFERED"} & set(env)
    assert found["nice"] == 0


def test_wish_that_is_refused_is_a_warning(world: World) -> None:
    worker = world.start("true", affinity=(4000,))
    assert worker.finished().exit_code == 0
    assert any("affinity" in text for text in worker.now.warnings)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("missing", ("no such program", "/absent/train")),
        ("not on the path", ("absent-program", "PATH")),
        ("no x bit", ("not executable", "plain.sh")),
        ("bad interpreter", ("interpreter /absent/python3", "script")),
        ("no interpreter", ("#! line", "text")),
        ("missing directory", ("directory", "/absent/there")),
        ("too big", ("too large",)),
        ("no secret", ("secret KEY", "/absent/key")),
    ],
)
def test_command_that_cannot_be_executed_says_why(
    world: World, case: str, words: tuple[str, ...]
) -> None:
    folder = world.folder
    for name, content, mode in (
        ("plain.sh", "#!/bin/sh\n", 0o644),
        ("script", "#!/absent/python3\n", 0o755),
        ("text", "hello\n", 0o755),
    ):
        (folder / name).write_text(content)
        (folder / name).chmod(mode)
    commands = {
        "missing": ("/absent/train",),
        "not on the path": ("absent-program",),
        "no x bit": (str(folder / "plain.sh"),),
        "bad interpreter": ("./script",),
        "no interpreter": ("./text",),
        "too big": ("true", *["x" * 60_000] * 60),
    }
    fields: dict[str, object] = {}
    if case == "missing directory":
        fields["directory"] = "/absent/there"
    if case == "no secret":
        fields["secrets"] = (SecretReference("KEY", "file", "/absent/key"),)
    rule = RestartRule("always")
    worker = world.start(*commands.get(case, ("true",)), restart=rule, **fields)
    end = worker.finished()
    assert (end.state, end.attempt, end.exit_code) == ("exited", 1, None)
    for word in words:
        assert word in (end.error or "")
    assert world.carriers() == []


def test_no_process_to_be_had_is_said_and_tried_again(world: World, tmp_path: Path) -> None:
    """The same attempt begins once there is room; until then nothing is half started."""
    group = Path("/sys/fs/cgroup/pids") / f"{world.key}"
    if os.geteuid() != 0 or not group.parent.is_dir():
        pytest.skip("needs root and the pids controller (v1): no limit on processes can be set")
    group.mkdir()
    try:
        world.prefix = ("sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh")
        once = "test -e second && echo up && exit 0; while ! test -e second; do sleep .01; done; exit 75"
        rule = RestartRule("on-failure", backoff_s=0.3, backoff_max_s=0.3)
        worker = world.start("sh", "-c", once, restart=rule)
        worker.running()
        (group / "pids.max").write_text("3")  # starter, guardian, shim
        (world.folder / "second").touch()
        waiting = worker.until(lambda now: now.state == "backoff" and now.error)
        assert "no more processes are allowed" in (waiting.error or "")
        assert world.carriers() == []
        (group / "pids.max").write_text("max")
        end = worker.finished()
        assert (end.exit_code, end.attempt, end.restarts, end.error) == (0, 2, 1, None)
        assert worker.output(2) == "up\n"
    finally:
        world.close()
        eventually(lambda: run_quietly("rmdir", str(group)))


def test_no_descriptors_left_is_said(world: World) -> None:
    world.prefix = ("prlimit", "--nofile=13:64")
    worker = world.start("true", restart=RestartRule(backoff_s=0.2, backoff_max_s=0.2))
    waiting = worker.until(lambda now: now.state == "backoff" and now.error)
    assert "may not open more files" in (waiting.error or "")
    subprocess.run(["prlimit", "--nofile=64", "--pid", str(worker.keeper("shim"))], check=True)
    assert worker.finished().exit_code == 0


def test_few_descriptors_are_enough(world: World) -> None:
    world.prefix = ("prlimit", "--nofile=24")
    assert world.start("true").finished().exit_code == 0


def test_many_agents_start_one_worker(world: World) -> None:
    """The same run asked for by many at once."""
    worker = world.create(PYTHON, "-c", "import time; time.sleep(600)")
    launchers = [world.launcher() for _ in range(4)]
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(launchers[n % 4].launch, worker.paths.folder) for n in range(12)]
    assert sorted(each.result().outcome for each in asked).count("held") == 1
    worker.running()
    assert len(world.carriers()) == 1
    assert worker.kinds().count("intent") == 1


def test_worker_outlives_the_thread_that_asked_for_it(world: World) -> None:
    """A parent-death signal would fire when that thread ends."""
    worker = world.create("sleep", "600")
    thread = threading.Thread(target=lambda: world.launch(worker))
    thread.start()
    thread.join()
    pid = worker.running().pid or 0
    world.another_agent()
    os.kill(worker.keeper("shim"), signal.SIGKILL)
    os.kill(worker.keeper("guardian"), signal.SIGKILL)
    eventually(lambda: not worker.run.is_held())
    assert Path(f"/proc/{pid}/comm").read_text() == "sleep\n"


def test_parent_that_dies_before_the_gate_leaves_nothing_executed(world: World) -> None:
    """Killed between the fork and the gate: the next keeper runs the command, once."""
    worker = world.create("sh", "-c", "echo once; echo ran >> ran")
    # The directory as a keeper leaves it that dies with its child at the gate.
    at_gate = subprocess.Popen(["sleep", "0.3"])
    attempt = worker.attempt()
    os.mkdir(attempt.folder)
    exit_record.prepare(attempt.exit_record)
    Path(attempt.gate).touch()
    pid_record.write(
        attempt.pid,
        PidRecord(1, at_gate.pid, start_ticks(at_gate.pid) or 0, boot.boot_id(),
                  boot.pid_namespace(), token=worker.paths.token),
    )  # fmt: skip
    worker.run.append("intent", attempt=1)
    world.launch(worker)
    at_gate.wait()
    end = worker.finished()
    assert (end.state, end.exit_code, end.attempt) == ("exited", 0, 1)
    assert (world.folder / "ran").read_text() == "ran\n"


def test_child_that_dawdles_at_its_gate_is_waited_for(world: World) -> None:
    """The word to begin is in its pipe, but it was not scheduled yet when its parent died: one worker, not two."""
    worker = world.create("sh", "-c", "echo ran >> ran; exec sleep 600")
    attempt = worker.attempt()
    os.mkdir(attempt.folder)
    exit_record.prepare(attempt.exit_record)
    Path(attempt.gate).touch()
    late = subprocess.Popen(
        ["sh", "-c", f"sleep 1; rm {attempt.gate}; echo ran >> ran; exec sleep 600"],
        cwd=world.folder,
        env={"PATH": os.environ["PATH"], "QD_TOKEN": worker.paths.token},
    )
    pid_record.write(
        attempt.pid,
        PidRecord(1, late.pid, start_ticks(late.pid) or 0, boot.boot_id(),
                  boot.pid_namespace(), token=worker.paths.token),
    )  # fmt: skip
    worker.run.append("intent", attempt=1)
    world.launch(worker)
    assert worker.running().pid == late.pid
    worker.wants("stop")
    late.wait()
    worker.finished()
    assert (world.folder / "ran").read_text() == "ran\n"


def test_document_is_there_at_each_attempt_and_only_for_its_worker(world: World) -> None:
    reads = (
        "import os,stat\npath=os.environ['QD_INPUT']\nprint(open(path).read(), end='')\n"
        "print(oct(stat.S_IMODE(os.stat(path).st_mode)))\nos.unlink(path)\nraise SystemExit(1)"
    )
    again = RestartRule("on-failure", max_restarts=1, backoff_s=0.01)
    worker = world.python(reads, input=('{"ü": ', "1}\n"), restart=again)
    worker.finished()
    assert worker.output() == '{"ü": 1}\n0o600\n'
    assert Path(worker.run.paths.attempt(1).log("out")).read_text() == worker.output(), (
        "both had it"
    )
    assert "QD_INPUT" not in shown(world)["env"]  # type: ignore[operator]
