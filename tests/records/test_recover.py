"""What a death leaves behind: every whole game comes back once, the rest is counted, nobody alive is touched."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.records.games import BOARD, PLAYERS, WORKER, files_in, game, seeds_in
from workers.records import Journal, count, disk, encode_line, recover
from workers.records.claim import Claim
from workers.records.names import Places
from workers.records.seal import examine, seal_claim

OPEN = Path(f"{BOARD}_{PLAYERS}p", "open")


def leave(out: Path, data: bytes, worker: str = WORKER) -> Path:
    """A dead writer's journal."""
    path = out / OPEN / f"{worker}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def lines(*seeds: int) -> bytes:
    return b"".join(encode_line(game(seed)) for seed in seeds)


def test_every_torn_tail(tmp_path: Path) -> None:
    whole, last = lines(1, 2), lines(3)
    sizes = {*range(0, len(last), 31), *range(len(last) - 20, len(last) + 1)}
    for size in sorted(sizes):
        out = tmp_path / str(size)
        leave(out, whole + last[:size])
        found = recover(out)
        complete = size >= len(last) - 1  # only the newline may be missing
        assert seeds_in(out) == ([1, 2, 3] if complete else [1, 2])
        assert found.torn == (0 if complete or not size else 1), size
        assert recover(out) == (0, 0, 0, (), ())
        assert files_in(out / OPEN) == []


def test_it_says_what_it_found(tmp_path: Path) -> None:
    leave(tmp_path, lines(1, 2) + b'{"version":1,')
    assert str(recover(tmp_path)) == "recovered 2, torn 1"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_flipped_bits_cost_their_line_alone(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    out = tmp_path_factory.mktemp("out")
    parts = [lines(seed) for seed in range(5)]
    hit = data.draw(st.integers(0, 4))
    changed = bytearray(parts[hit])
    changed[data.draw(st.integers(0, len(changed) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    parts[hit] = bytes(changed)
    leave(out, b"".join(parts))
    found = recover(out)
    assert seeds_in(out) == [seed for seed in range(5) if seed != hit]
    assert found.damaged >= 1
    (kept,) = (out / OPEN).iterdir()
    assert kept.read_bytes() == bytes(changed)
    assert count(out).records == 4


def test_zeros_of_a_power_cut_are_a_torn_line(tmp_path: Path) -> None:
    leave(tmp_path, lines(1) + b"\0" * 4096)
    assert str(recover(tmp_path)) == "recovered 1, torn 1"
    assert seeds_in(tmp_path) == [1]


def test_a_shard_and_its_journal_are_one(tmp_path: Path) -> None:
    for worker in ("a", "b"):
        path = leave(
            tmp_path, b"".join(encode_line(game(seed, worker)) for seed in range(3)), worker
        )
        places = Places(tmp_path / f"{BOARD}_{PLAYERS}p")
        claim = Claim.of_dead(places, worker)
        assert claim is not None
        seal_claim(claim, examine(claim))
        claim.let_go()
        assert path.exists()
    with open(path, "r+b") as file:  # of what is sealed, a part
        file.seek(20)
        file.write(b"#")
    recover(tmp_path)
    assert sorted(seeds_in(tmp_path)) == [0, 0, 1, 1, 2, 2]
    assert not list((tmp_path / OPEN).glob("*.jsonl"))


def test_games_that_are_all_alike_are_not_taken_for_sealed_ones(tmp_path: Path) -> None:
    journal = Journal(tmp_path, BOARD, PLAYERS, WORKER, seal_games=4)
    for _ in range(7):
        journal.append(game(1))
    journal._claim.let_go()
    assert recover(tmp_path).recovered == 3
    assert seeds_in(tmp_path) == [1] * 7


def test_a_shard_that_is_no_use_keeps_its_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path, BOARD, PLAYERS, WORKER)
    for seed in range(3):
        journal.append(game(seed))
    path = seal_claim(journal._claim, examine(journal._claim))
    journal._claim.let_go()
    assert path is not None
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    recover(tmp_path)
    path.unlink()
    assert seeds_in(tmp_path) == [0, 1, 2]


def test_who_lives_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path, BOARD, PLAYERS, "alive")
    journal.append(game(1))
    leave(tmp_path, lines(2), "dead")
    assert recover(tmp_path).recovered == 1
    journal.append(game(3))
    journal.close()
    assert sorted(seeds_in(tmp_path)) == [1, 2, 3]


def test_drafts_go_with_their_writer(tmp_path: Path) -> None:
    leave(tmp_path, lines(1))
    for name in (f".{WORKER}.jsonl.tmp", f".{WORKER}.jsonl.zst.tmp", ".orphan.jsonl.zst.tmp"):
        (tmp_path / OPEN / name).write_bytes(b"half")
    (tmp_path / OPEN / "notes.txt").write_text("not ours")
    recover(tmp_path)
    assert files_in(tmp_path / OPEN) == ["notes.txt"]


def test_all_configurations_are_looked_at(tmp_path: Path) -> None:
    leave(tmp_path, lines(1))
    (tmp_path / "hex8_3p").mkdir()
    os.rename(tmp_path / OPEN, tmp_path / "hex8_3p" / "open")
    leave(tmp_path, lines(2))
    assert recover(tmp_path).recovered == 2
    assert sorted(seeds_in(tmp_path)) == [1, 2]


def test_without_room_the_journal_is_cut_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = leave(tmp_path, lines(1, 2) + b"{torn")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk, "write_all", full)
    with pytest.raises(OSError, match="No space left"):
        recover(tmp_path)
    assert path.read_bytes() == lines(1, 2)
    assert files_in(tmp_path / OPEN) == [path.name]
    monkeypatch.undo()
    assert str(recover(tmp_path)) == "recovered 2, torn 0"


def test_what_is_no_file_is_refused_and_the_rest_recovered(tmp_path: Path) -> None:
    leave(tmp_path, lines(1))
    (tmp_path / OPEN / "folder.jsonl").mkdir()
    (tmp_path / OPEN / "link.jsonl").symlink_to(tmp_path / "elsewhere")
    found = recover(tmp_path)
    assert seeds_in(tmp_path) == [1]
    assert [words.rpartition("/")[2].split(":")[0] for words in found.refused] == [
        "folder.jsonl",
        "link.jsonl",
    ]


def test_nothing_there(tmp_path: Path) -> None:
    assert str(recover(tmp_path / "missing")) == "recovered 0, torn 0"
