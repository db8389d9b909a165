"""What every backend promises, wherever its workers run."""

from __future__ import annotations

import asyncio

import pytest

from console.backends.backend import Backend
from console.errors import RequestFailed
from tests.backends.conftest import SAYS, STUBBORN, Place
from workers.protocol import (
    ERR,
    OUT,
    AdoptProcess,
    CommandWorker,
    FindErrors,
    LogChunk,
    OpenTail,
    SearchLog,
    TailEnded,
    WorkerRecord,
)

OVER = ("exited", "stopped", "lost")


async def until(backend: Backend, run_id: str, *states: str) -> WorkerRecord:
    """The record once it is in one of these states."""
    deadline = asyncio.get_running_loop().time() + 20
    while True:
        record = (await backend.describe(run_id)).record
        if record.state in states:
            return record
        assert asyncio.get_running_loop().time() < deadline, record
        await asyncio.sleep(0.05)


async def started(place: Place, *command: str, **fields: object) -> str:
    spec = place.spec(command, **fields) if command else place.spec(**fields)
    await place.backend.start(spec)
    await until(place.backend, spec.run_id, "running", *OVER)
    return spec.run_id


def command(run_id: str, act: str, sequence: int | None = None) -> CommandWorker:
    return CommandWorker(run_id, act, "ada@desk", None, sequence)


async def test_the_same_run_twice_is_one_worker(place: Place) -> None:
    spec = place.spec()
    first, second = await asyncio.gather(place.backend.start(spec), place.backend.start(spec))
    assert first.record.run_id == second.record.run_id == spec.run_id
    record = await until(place.backend, spec.run_id, "running")
    assert (record.attempt, record.pid is not None, record.desired) == (1, True, "running")
    again = await place.backend.start(spec)
    assert (again.record.pid, again.record.attempt) == (record.pid, 1)


async def test_a_live_name_is_refused_and_its_holder_named(place: Place) -> None:
    run_id = await started(place)
    with pytest.raises(RequestFailed, match=run_id[:12]) as error:
        await place.backend.start(place.spec())
    assert error.value.code == "exists"
    refused = await place.backend.check(place.spec())
    assert any(run_id[:12] in text for text in refused.refusals)
    assert (await place.backend.check(place.spec(name="other"))).refusals == ()


async def test_a_lock_is_held_by_one(place: Place) -> None:
    await started(place, singleton="door")
    with pytest.raises(RequestFailed, match="door") as error:
        await place.backend.start(place.spec(name="other", singleton="door"))
    assert error.value.code == "exists"


async def test_a_check_changes_nothing(place: Place) -> None:
    spec = place.spec()
    assert (await place.backend.check(spec)).refusals == ()
    with pytest.raises(RequestFailed) as error:
        await place.backend.describe(spec.run_id)
    assert error.value.code == "gone"


async def test_a_stop_ends_it(place: Place) -> None:
    run_id = await started(place)
    reply = await place.backend.command(command(run_id, "stop"))
    assert reply.record.desired == "stopped"
    record = await until(place.backend, run_id, *OVER)
    assert (record.state, record.pid) == ("stopped", None)
    again = await place.backend.command(command(run_id, "stop"))
    assert again.record.state == "stopped"


async def test_what_ignores_a_stop_is_killed(place: Place) -> None:
    run_id = await started(place, *STUBBORN, grace_s=60.0)
    await first_bytes(place, run_id)
    await place.backend.command(command(run_id, "stop"))
    assert (await until(place.backend, run_id, "stopping")).signal is None
    await place.backend.command(command(run_id, "kill"))
    record = await until(place.backend, run_id, "stopped")
    assert record.signal == 9


async def first_bytes(place: Place, run_id: str) -> None:
    """Waits until it has said something: from then on it ignores signals."""
    tail = place.backend.tail(OpenTail(run_id, back_bytes=-1))
    async for piece in tail:
        if isinstance(piece, LogChunk):
            break
    await tail.aclose()


async def test_a_restart_is_a_new_attempt(place: Place) -> None:
    run_id = await started(place)
    before = (await place.backend.describe(run_id)).record
    await place.backend.command(command(run_id, "restart"))
    for _ in range(400):
        now = (await place.backend.describe(run_id)).record
        if now.attempt == 2 and now.state == "running":
            break
        await asyncio.sleep(0.05)
    assert (now.attempt, now.pid != before.pid, now.desired) == (2, True, "running")


async def test_what_knows_no_drain_is_not_drained(place: Place) -> None:
    run_id = await started(place)
    with pytest.raises(RequestFailed, match="drain") as error:
        await place.backend.command(command(run_id, "drain"))
    assert error.value.code == "refused"
    assert (await place.backend.describe(run_id)).record.state == "running"


async def test_the_second_of_two_wishes_is_told(place: Place) -> None:
    run_id = await started(place)
    seen = (await place.backend.describe(run_id)).record.sequence
    await place.backend.command(command(run_id, "restart", seen))
    with pytest.raises(RequestFailed) as error:
        await place.backend.command(command(run_id, "stop", seen))
    assert error.value.code == "superseded"


async def test_an_exit_code_is_kept(place: Place) -> None:
    run_id = await started(place, *SAYS)
    record = await until(place.backend, run_id, *OVER)
    assert (record.state, record.exit_code, record.signal) == ("exited", 7, None)


async def test_what_lives_is_not_forgotten(place: Place) -> None:
    run_id = await started(place)
    with pytest.raises(RequestFailed) as error:
        await place.backend.forget(run_id)
    assert error.value.code == "refused"
    await place.backend.command(command(run_id, "kill"))
    await until(place.backend, run_id, *OVER)
    await place.backend.forget(run_id)
    for gone in (place.backend.describe(run_id), place.backend.forget(run_id)):
        with pytest.raises(RequestFailed) as error:
            await gone
        assert error.value.code == "gone"


async def test_a_description_has_the_run_and_its_recipe(place: Place) -> None:
    spec = place.spec(tags=("night",), preset="nap")
    await place.backend.start(spec)
    details = await place.backend.describe(spec.run_id)
    assert (details.spec.command, details.spec.tags) == (spec.command, ("night",))
    assert (details.record.preset, details.record.by) == ("nap", "ada@desk")
    assert details.directory


@pytest.mark.parametrize("streams", ["out", "err", "both"])
async def test_a_log_comes_whole_and_ends_with_its_worker(place: Place, streams: str) -> None:
    run_id = await started(place, *SAYS)
    said = {OUT: b"", ERR: b""}
    last: object = None
    async for piece in place.backend.tail(OpenTail(run_id, streams=streams, back_bytes=-1)):
        if isinstance(piece, LogChunk):
            said[piece.which] += piece.data
        last = piece
    assert isinstance(last, TailEnded)
    assert last.reason == "over"
    assert said == {
        OUT: b"out\n" if streams != "err" else b"",
        ERR: b"err\n" if streams != "out" else b"",
    }


async def test_a_log_is_searched(place: Place) -> None:
    run_id = await started(place, *SAYS)
    await until(place.backend, run_id, *OVER)
    found = await place.backend.search(SearchLog("OU.", run_id))
    assert [match.line for match in found.matches] == ["out"]
    assert (await place.backend.errors(FindErrors(run_id))).groups == ()


async def test_orphans_are_listed_and_cleared(place: Place) -> None:
    path = await place.stale_lock()
    for _ in range(400):
        found = [o for o in (await place.backend.orphans()).orphans if o.path == path]
        if found:
            break
        await asyncio.sleep(0.05)
    (orphan,) = found
    assert (orphan.kind, "clear" in orphan.acts) == ("stale_lock", True)
    await place.backend.clear(orphan.orphan_id, "clear")
    left = (await place.backend.orphans()).orphans
    assert path not in {orphan.path for orphan in left}
    with pytest.raises(RequestFailed) as error:
        await place.backend.clear(orphan.orphan_id, "clear")
    assert error.value.code == "gone"


async def test_what_is_not_there_is_not_adopted(place: Place) -> None:
    with pytest.raises(RequestFailed) as error:
        await place.backend.adopt(AdoptProcess("f" * 32, 4_194_303, 1, "ghost"))
    assert error.value.code == "gone"
