"""The words for a worker, and the filter over workers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.fleet.filter import parse as parse_nodes
from console.fleet.grammar import FilterError
from console.fleet.workers import words
from console.fleet.workers.filter import parse
from tests.fleet.crews import Crews, doing, record
from workers.protocol import WorkerRecord


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (record(), "running"),
        (record(state="exited", exit_code=0), "exited 0"),
        (record(state="exited", exit_code=4), "wanted running, exit 4 (configuration)"),
        (record(state="exited", exit_code=37), "wanted running, exit 37"),
        (record(state="exited", signal=9, oom=True), "wanted running, killed by SIGKILL (out of memory)"),
        (record(state="exited", signal=11, core=True), "wanted running, killed by SIGSEGV, core written"),
        (record(state="exited", exit_code=137, oom=True), "wanted running, exit 137 (out of memory)"),
        (record(state="exited", signal=64), "wanted running, killed by SIGRTMAX"),
        (record(state="exited", signal=99), "wanted running, killed by signal 99"),
        (record(state="stopped", desired="stopped", exit_code=143), "stopped"),
        (record(state="stopped", desired="stopped", signal=9), "stopped, killed by SIGKILL"),
        (record(state="stopping", desired="stopped"), "wanted stopped, stopping"),
        (record(desired="drained"), "wanted drained, running"),
        (record(state="backoff", exit_code=1, restart_in_s=12.0), "wanted running, exit 1, starts again in 12 s"),
        (record(state="backoff", exit_code=3), "wanted running, exit 3 (no data or network yet), starts again"),
        (record(state="lost", lost_reason="reboot"), "wanted running, lost: the node was started anew"),
        (record(state="lost", lost_reason=None), "wanted running, lost: nobody saw its end"),
        (record(state="stopping", desired="stopped", kill_pending=("7 in D state (nfs_wait)",)),
         "wanted stopped, kill pending: 7 in D state (nfs_wait)"),
        (record(state="exited", error="/x: not found"), "wanted running, could not be started: /x: not found"),
    ],
)  # fmt: skip
def test_wanted_and_actual_are_shown_apart_where_they_differ(
    shown: WorkerRecord, said: str
) -> None:
    assert words.wanted_and_actual(shown) == said


def test_lost_and_unknown_are_never_success() -> None:
    for state in ("lost", "exited"):
        shown = record(state=state, exit_code=None)
        assert not words.is_as_wanted(shown)
        world = Crews("a")
        world.report("a", shown)
        assert world.view().failed


def test_a_last_sight_from_a_broken_clock_breaks_nothing() -> None:
    for clock in (-1e30, 1e300, float("nan")):
        assert "last seen" in words.lost(record(state="lost", last_seen_at=clock))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (0.001, "<0.01"), (0.4, "0.4"), (1.58, "1.58"), (312.4, "312"), (12_400.0, "12.4k")],
)  # fmt: skip
def test_units_a_minute_keep_their_width(value: float | None, text: str) -> None:
    assert words.per_minute(value) == text


# ------------------------------------------------------------ the filter


@pytest.fixture(scope="module")
def world() -> Crews:
    world = Crews("gpu-1", "gpu-2")
    world.report(
        "gpu-1",
        record("selfplay-1", preset="selfplay", cpu_percent=180.0,
               progress=doing(50.0, total=100.0, rate_per_minute=300.0, age_s=1.0)),
        record("selfplay-2", preset="selfplay", state="exited", exit_code=1, tags=("night",)),
    )  # fmt: skip
    world.report(
        "gpu-2",
        record("train", flags=("adopted",), restarts=2, memory_bytes=9 * 2**30, command=("torchrun", "-x")),
    )  # fmt: skip
    return world


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "selfplay-1 selfplay-2 train"),
        ("worker:selfplay", "selfplay-1 selfplay-2"),
        ("name:train", "train"),
        ("state:running", "selfplay-1 train"),
        ("!state:running", "selfplay-2"),
        ("health:ok", "selfplay-1"),
        ("preset:self", "selfplay-1 selfplay-2"),
        ("flag:adopted", "train"),
        ("flag:any", "train"),
        ("rate>100", "selfplay-1"),
        ("!rate>0", "selfplay-2 train"),
        ("progress=50%", "selfplay-1"),
        ("restarts>1 mem>8", "train"),
        ("tag:night", "selfplay-2"),
        ("node~2$", "train"),
        ("torchrun", "train"),
    ],
)
def test_a_filter_takes_the_workers_it_says(world: Crews, text: str, names: str) -> None:
    wanted = parse(text)
    assert [view.name for view in world.store.workers() if wanted(view)] == names.split()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("workers>0", "gpu-1 gpu-2"),
        ("workers=2", ""),
        ("worker:train", "gpu-2"),
        ("worker:any", "gpu-1 gpu-2"),
        ("alert:worker_exited_badly", "gpu-1"),
    ],
)
def test_nodes_are_filtered_by_the_workers_that_live_there(
    world: Crews, text: str, names: str
) -> None:
    wanted = parse_nodes(text)
    nodes = world.store.nodes.values()
    assert [n.name for n in nodes if wanted.matches(n, world.store.alerts)] == names.split()


def test_a_word_that_is_none_names_the_nearest() -> None:
    with pytest.raises(FilterError, match="did you mean health"):
        parse("helth:slow")
    with pytest.raises(FilterError, match="is a number"):
        parse("rate:5")


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_filter_or_an_error(text: str) -> None:
    world = Crews("a")
    world.report("a", record())
    try:
        parse(text)(world.view())
    except FilterError as error:
        place = error.position
    else:
        place = 0
    assert 0 <= place <= len(text)
