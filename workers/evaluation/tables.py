"""What the command prints: tables for people, plain values for programs."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workers.evaluation.difference import Difference
from workers.evaluation.participant import Participant
from workers.network.pointers import Change

if TYPE_CHECKING:  # they need torch or numpy, and a table does not
    from workers.evaluation.gauntlet import Score
    from workers.evaluation.ratings import Rating
    from workers.evaluation.strength import Strength


def plain(value: Any) -> Any:
    """For JSON: tuples with names become objects."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def named(participant: Participant, checkpoints: Sequence[str] = ()) -> str:
    """``checkpoints`` are names; the one of its weights takes the place of the hash."""
    tail = f"-{participant.weights[:8]}"
    for checkpoint in checkpoints if participant.weights else ():
        if checkpoint.endswith(tail):
            return f"{participant.search} {checkpoint}"
    return participant.name


def ratings_table(ratings: "Sequence[Rating]", checkpoints: Sequence[str]) -> str:
    rows = [
        (
            str(place),
            named(rating.participant, checkpoints),
            f"{rating.elo:+.0f}",
            f"± {rating.interval:.0f}",
            str(rating.games),
            f"{rating.share:.3f}",
            "" if rating.anchored else "no games lead to random",
        )
        for place, rating in enumerate(ratings, 1)
    ]
    return _table(("", "player", "Elo", "95 %", "games", "share", ""), rows, left=(1, 6))


def scores_table(scores: "Sequence[Score]", checkpoints: Sequence[str]) -> str:
    rows = [
        (
            named(score.first, checkpoints),
            named(score.second, checkpoints),
            str(score.difference.games),
            _share(score.difference),
            f"{score.difference.elo:+.0f} ± {score.difference.elo_interval:.0f}",
            " ".join(f"{share:.2f}" for share in score.seat_shares),
            str(score.truncated),
        )
        for score in scores
    ]
    head = ("player", "against", "games", "share", "Elo", "by seat", "cut short")
    return _table(head, rows, left=(0, 1))


def strength_table(rows: "Sequence[Strength]", opponents: Sequence[str]) -> str:
    """Shares of the wins, 0 to 1, with their 95 % intervals."""
    body = [
        (
            row.checkpoint,
            str(row.step),
            *(_share(row.against[name]) if name in row.against else "-" for name in opponents),
            str(max((found.games for found in row.against.values()), default=0)),
        )
        for row in rows
    ]
    head = ("network", "step", *(f"against {name}" for name in opponents), "games each")
    return _table(head, body, left=(0,))


def history_table(changes: Sequence[Change]) -> str:
    rows = [
        (
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(change.t)),
            change.before or "none",
            change.after,
            change.reason,
        )
        for change in changes
    ]
    return _table(("when", "from", "to", "because"), rows, left=(0, 1, 2, 3))


def _share(found: Difference) -> str:
    return f"{found.share:.3f} ± {found.share_interval:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int]) -> str:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
