"""How fast games are played, beside pgx, mctx and OpenSpiel on the same core."""

from __future__ import annotations

from scripts.bench_parts.peers import Measured, best_of, interleaved, ours, theirs
from scripts.bench_parts.table import Row, times, verdict

BATCH = "256"
SIZES = (512, 2048, 8192)
_HOW = "one pinned core, taking turns, two rounds, CPU-seconds; median (lowest to highest)"
_SEARCHES = (
    f"{_HOW}. The peer searches by Gumbel MuZero, ours by PUCT; both make 32 simulations a move and play "
    "whole games, batch 256"
)
_OPENSPIEL = f"{_HOW}. OpenSpiel's Python MCTS plays one game at a time"


def random_play() -> list[Row]:
    """Random play on square8, each at its best batch."""
    mine, my_batch = best_of(lambda size: ours("selfplay_ours", "random", size), SIZES)
    peer, its_batch = best_of(lambda size: theirs("selfplay_pgx", "random", size), SIZES)
    found = interleaved({"ours": mine, "peer": peer})
    what = f"random play, square8, batch {my_batch} (pgx {its_batch})"
    return [_row(what, found["ours"], found["peer"], "pgx", 1.0, 2.5, "steps/s", _HOW, 0)]


def search() -> list[Row]:
    """Search self-play with a network of 32 channels and 2 blocks."""
    found = interleaved(
        {
            "float32": ours("selfplay_ours", "search", "float32", BATCH),
            "peer": theirs("selfplay_pgx", "search", BATCH),
            "bfloat16": ours("selfplay_ours", "search", "bfloat16", BATCH),
        }
    )
    what, peer = "search self-play, 32×2, 32 simulations", found["peer"]
    return [
        _row(f"{what}, float32", found["float32"], peer, "mctx + pgx", 0.9, 1.2, note=_SEARCHES),
        _row(f"{what}, bfloat16", found["bfloat16"], peer, "the same, float32", 1.3, 2.0, note=_SEARCHES),
    ]  # fmt: skip


def tree() -> list[Row]:
    """What the tree alone costs."""
    found = interleaved(
        {
            "ours": ours("selfplay_ours", "tree", BATCH),
            "openspiel": theirs("selfplay_openspiel", "20"),
            "mctx": theirs("selfplay_pgx", "tree", BATCH),
        }
    )
    what = "tree alone, constant network, batch 256"
    beside = Row(
        what,
        found["ours"].text("games/s"),
        f"{found['mctx'].text('games/s')} mctx + pgx",
        times(found["ours"].rate / found["mctx"].rate),
        note=_SEARCHES,
    )
    return [
        _row(what, found["ours"], found["openspiel"], "OpenSpiel", 2.0, 5.0, note=_OPENSPIEL),
        beside,
    ]


def _row(
    what: str,
    mine: Measured,
    peer: Measured,
    name: str,
    floor: float,
    stretch: float,
    unit: str = "games/s",
    note: str = _HOW,
    digits: int = 1,
) -> Row:
    ratio = mine.rate / peer.rate
    return Row(
        what,
        mine.text(unit, digits),
        f"{peer.text(unit, digits)} {name}",
        times(ratio),
        f"≥ {floor:g} ×, better {stretch:g} ×",
        verdict(ratio >= floor),
        note,
    )
