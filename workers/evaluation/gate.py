"""The gate: the latest network against the best, until the test decides; who passes becomes best.

What was played is in the match log, and the verdict is a function of it: a gate that was stopped goes on
where it was, and one that has decided is not asked again.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from workers.evaluation import match_log, promotion
from workers.evaluation.arena import Arena
from workers.evaluation.difference import Difference, difference
from workers.evaluation.match_result import MatchResult
from workers.evaluation.matches import ladder_of
from workers.evaluation.participant import Ladder, Participant
from workers.evaluation.players import Player, load, load_network, of_network
from workers.evaluation.sprt import Sprt, Verdict, judge, matches_left
from workers.network.places import checkpoint_path
from workers.network.pointers import read_pointer


class Outcome(NamedTuple):
    """``candidate`` and ``best`` are names of checkpoints, ``best`` "" where there was none and random took its
    place. ``why`` says why it was promoted, or why not; ages in seconds."""

    decision: str
    promoted: bool
    candidate: str
    best: str
    why: str
    llr: float | None = None
    lower: float | None = None
    upper: float | None = None
    games: int = 0
    measured: Difference | None = None
    candidate_age_s: float | None = None
    best_age_s: float | None = None


class Gate:
    """``search`` is how both play: "policy" or "puct:N"."""

    def __init__(self, arena: Arena, folder: Path, test: Sprt, search: str) -> None:
        self._arena = arena
        self._folder = folder
        self._test = test
        self._search = search

    def hold(self) -> Outcome:
        """One whole gate of what is latest now. Raises NoDataYet where there is no network yet."""
        game, say = self._arena.game, self._arena.say
        expected = read_pointer(self._folder, "best")
        candidate = of_network(self._search, load_network("latest", game, self._folder, say), game)
        best = self._best(expected)
        dropped = promotion.rolled_back(self._folder).get(candidate.checkpoint)
        if candidate.participant.weights == best.participant.weights:
            return self._idle("none", candidate, best, "it is the best already")
        if dropped is not None:
            age = _age(time.time() - dropped.t)
            return self._idle(
                "rolled back", candidate, best, f"it was best, and rolled back {age} ago"
            )
        return self._promoted(candidate, best, expected, self._measure(candidate, best))

    def _best(self, expected: str | None) -> Player:
        game, say = self._arena.game, self._arena.say
        if expected is None:
            return load("random", game, self._folder, say)
        return of_network(self._search, load_network("best", game, self._folder, say), game)

    def _measure(self, candidate: Player, best: Player) -> list[MatchResult]:
        """Plays on from what the log has until the test decides, or the worker ends."""
        arena, players = self._arena, self._arena.game.players
        found = gate_matches(
            match_log.read(arena.log).results,
            ladder_of(arena.game),
            candidate.participant,
            best.participant,
        )
        book = arena.book(_next_number(found, arena.seed))
        arena.expect(matches_left(self._test, len(found), players) * arena.per_match)
        while True:
            verdict = self._judged(found)
            arena.worker.say(
                message=f"{candidate.checkpoint} against {best.checkpoint or 'random'}: {_words(verdict)}",
                llr=verdict.llr,
                share=verdict.share,
                candidate=candidate.checkpoint,
                best=best.checkpoint,
            )
            if verdict.decision != "continue" or arena.worker.ending:
                return found
            left = matches_left(self._test, len(found), players)
            found += arena.play_round((candidate, best), book, left, "gate")

    def _judged(self, found: Iterable[MatchResult]) -> Verdict:
        return judge(self._test, [result.share(0) for result in found], self._arena.game.players)

    def _promoted(
        self, candidate: Player, best: Player, expected: str | None, found: list[MatchResult]
    ) -> Outcome:
        """Moves the pointer where the test says so."""
        verdict = self._judged(found)
        decision = "stopped" if verdict.decision == "continue" else verdict.decision
        said = f"gate {self._search}: {_limits(verdict, self._test)}"
        outcome = self._idle(decision, candidate, best, said)  # ages as before the change
        if decision == "accept":
            hindered = self._move(candidate.checkpoint, expected, said)
            outcome = outcome._replace(
                decision="superseded" if hindered else decision,
                promoted=not hindered,
                why=f"{said}; but {hindered}" if hindered else said,
            )
        shares = [result.share(0) for result in found]
        shares = shares[: verdict.games // self._arena.per_match]
        return outcome._replace(
            llr=verdict.llr,
            lower=self._test.lower,
            upper=self._test.upper,
            games=verdict.games,
            measured=difference(shares, self._arena.game.players) if shares else None,
        )

    def _move(self, candidate: str, expected: str | None, reason: str) -> str:
        """What kept ``best`` from moving to ``candidate``, or nothing."""
        if not checkpoint_path(self._folder, candidate).is_dir():
            return "its checkpoint was removed meanwhile"
        if not promotion.promote(self._folder, candidate, expected, reason):
            return "best was changed meanwhile"
        return ""

    def _idle(self, decision: str, candidate: Player, best: Player, why: str) -> Outcome:
        now = time.time()
        since = promotion.best_since(self._folder)
        return Outcome(
            decision,
            False,
            candidate.checkpoint,
            best.checkpoint,
            why,
            candidate_age_s=_age_of(self._folder, candidate.checkpoint, now),
            best_age_s=None if since is None else max(0.0, now - since),
        )


def gate_matches(
    results: Iterable[MatchResult], ladder: Ladder, candidate: Participant, best: Participant
) -> list[MatchResult]:
    """Those of this gate: run after run, and within each in the order of the openings, since the log has
    short games first."""
    found = [
        result
        for result in results
        if result.purpose == "gate"
        and result.ladder == ladder
        and result.participants == (candidate, best)
    ]
    runs = list(dict.fromkeys(result.seed for result in found))
    return sorted(found, key=lambda result: (runs.index(result.seed), result.number))


def explain(outcome: Outcome) -> str:
    """For people, in one line: promoted or why not, with value, limit, games and ages."""
    head = "promoted" if outcome.promoted else f"not promoted ({outcome.decision})"
    measured = outcome.measured
    elo = f"; Elo {measured.elo:+.0f} ± {measured.elo_interval:.0f}" if measured else ""
    ages = [f"candidate {outcome.candidate}{_old(outcome.candidate_age_s)}"]
    if outcome.best:
        ages.append(f"best was {outcome.best}{_held(outcome.best_age_s)}")
    return f"{head}: {outcome.why}{elo}; {', '.join(ages)}"


def _limits(verdict: Verdict, test: Sprt) -> str:
    hypotheses = f"Elo {test.elo1:g} against {test.elo0:g}"
    if verdict.decision == "accept":
        said = f"LLR {verdict.llr:.2f} reached {test.upper:.2f}"
    elif verdict.decision == "reject":
        said = f"LLR {verdict.llr:.2f} fell to {test.lower:.2f}"
    else:
        said = f"LLR {verdict.llr:.2f} is between {test.lower:.2f} and {test.upper:.2f}"
    return f"{said} ({hypotheses}) after {verdict.games} of at most {test.max_games} games"


def _words(verdict: Verdict) -> str:
    return f"LLR {verdict.llr:.2f}, share {verdict.share:.3f} of {verdict.games} games"


def _next_number(found: Iterable[MatchResult], seed: int) -> int:
    return max((result.number + 1 for result in found if result.seed == seed), default=0)


def _age_of(folder: Path, checkpoint: str, now: float) -> float | None:
    try:
        return max(0.0, now - checkpoint_path(folder, checkpoint).stat().st_mtime)
    except OSError:
        return None


def _old(seconds: float | None) -> str:
    return "" if seconds is None else f" ({_age(seconds)} old)"


def _held(seconds: float | None) -> str:
    return "" if seconds is None else f" (for {_age(seconds)})"


def _age(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
