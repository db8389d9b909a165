"""A node without runs says so; what is the first there is found, also by an agent that came later."""

from __future__ import annotations

import os
import shutil
import signal

from tests.agent_workers.node import Asker, Node, sleeper, until
from tests.processes import alive


def test_a_node_without_runs_says_so_again_and_then_tells_of_the_first(
    node: Node, console: Asker
) -> None:
    assert console.report().workers == ()
    assert console.report(15.0).workers == ()
    wanted = sleeper("first")
    console.start(wanted)
    assert console.record(wanted.run_id, lambda r: r.state == "running").name == "first"


def test_a_run_that_another_agent_starts_is_reported(node: Node, console: Asker) -> None:
    assert console.report().workers == ()
    wanted = sleeper("of-another")
    with node.agent(watch=False) as other:
        other.start(wanted)
    assert console.record(wanted.run_id, lambda r: r.state == "running").name == "of-another"


def test_workers_outlive_the_whole_state_directory_and_a_fresh_agent_finds_them(node: Node) -> None:
    wanted = sleeper("homeless")
    with node.agent() as first:
        pid = first.start(wanted).pid or 0
    pair = node.keepers(wanted.run_id)
    for keeper in pair:
        os.kill(keeper, signal.SIGKILL)
    until(lambda: not any(map(alive, pair)))
    shutil.rmtree(node.folder)
    os.makedirs(node.folder, mode=0o700)
    with node.agent() as second:
        record = second.record(
            wanted.run_id, lambda r: r.state == "running" and "adopted" in r.flags, 60.0
        )
        assert (record.pid, record.name) == (pid, "homeless")
        second.command(wanted.run_id, "kill")
        until(lambda: not alive(pid))
