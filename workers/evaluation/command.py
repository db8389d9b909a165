"""The verbs. Those that only read need no torch."""

import argparse
import json
import math
import secrets
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.evaluation import match_log, promotion, tables
from workers.evaluation.participant import Ladder
from workers.evaluation.sprt import Sprt
from workers.harness import Misconfigured, NoDataYet, Worker, cpu_threads, tune_allocator
from workers.network.places import checkpoint_names, model_folder
from workers.network.pointers import history, read_pointer

if TYPE_CHECKING:
    from workers.evaluation.arena import Arena
    from workers.evaluation.gate import Outcome
    from workers.games import TensorGame

_LOOK_AGAIN_S = 2.0
_NEEDS = {"gate": "torch", "gauntlet": "torch", "strength": "torch", "ratings": "numpy"}


def run(worker: Worker, arguments: argparse.Namespace) -> int | None:
    """Does what ``arguments.verb`` says. Raises Misconfigured where a module is missing that it needs."""
    needed = _NEEDS.get(arguments.verb)
    if needed and find_spec(needed) is None:
        raise Misconfigured(f"{arguments.verb} needs {needed}: pip install 'quarterdeck[workers]'")
    verbs = {
        "gate": _gate,
        "gauntlet": _gauntlet,
        "strength": _strength,
        "ratings": _ratings,
        "history": _history,
        "rollback": _rollback,
    }
    worker.say(
        phase=arguments.verb,
        matches=str(_log(arguments).absolute()),
        models=str(_models(arguments).absolute()),
    )
    verbs[arguments.verb](worker, arguments)
    return None


# ------------------------------------------------------------ verbs that play


def _gate(worker: Worker, arguments: argparse.Namespace) -> None:
    """Once, or for each candidate that comes."""
    from workers.evaluation.gate import Gate, explain

    folder = _models(arguments)
    gate = Gate(_arena(worker, arguments), folder, _test(arguments), _search(arguments))
    while True:
        latest, best = _pointers(folder)
        outcome = gate.hold()
        text = explain(outcome)
        _show(arguments, outcome, text)
        _report(worker, outcome, text)
        if not arguments.forever or worker.ending:
            return
        known = (latest, outcome.candidate if outcome.promoted else best)
        worker.say(phase="waiting", blocked_because=f"waiting for a candidate; {text}")
        while _pointers(folder) == known:
            if worker.wait(_LOOK_AGAIN_S):
                return
        worker.say(phase="gate", blocked_because=None)


def _pointers(folder: Path) -> tuple[str | None, str | None]:
    return read_pointer(folder, "latest"), read_pointer(folder, "best")


def _gauntlet(worker: Worker, arguments: argparse.Namespace) -> None:
    from workers.evaluation import gauntlet
    from workers.evaluation.players import load

    arena = _arena(worker, arguments)
    folder = _models(arguments)
    players = [load(word, arena.game, folder, arena.say, arena.seed) for word in arguments.players]
    pairs = gauntlet.pairs_of(players, arguments.all_pairs)
    scores = gauntlet.scores(gauntlet.play(arena, pairs, arguments.num_games))
    worker.say(message=f"{sum(score.difference.games for score in scores)} games played")
    _show(arguments, {"scores": scores}, tables.scores_table(scores, checkpoint_names(folder)))


def _strength(worker: Worker, arguments: argparse.Namespace) -> None:
    from workers.evaluation.strength import OPPONENTS, SEED, strength

    if arguments.seed is None:
        arguments.seed = SEED
    arena = _arena(worker, arguments)
    rows = strength(
        arena,
        _models(arguments),
        arguments.checkpoints,
        arguments.num_games,
        OPPONENTS,
        _search(arguments),
    )
    _show(arguments, {"strength": rows}, tables.strength_table(rows, OPPONENTS))


def _report(worker: Worker, outcome: "Outcome", text: str) -> None:
    worker.say(message=text, decision=outcome.decision, promoted=outcome.promoted)
    if outcome.measured is not None:
        step = int(outcome.candidate.partition("-")[0])
        worker.metric("gate/elo", outcome.measured.elo, step)
        worker.metric("gate/promoted", float(outcome.promoted), step)


# ------------------------------------------------------------ verbs that read


def _ratings(worker: Worker, arguments: argparse.Namespace) -> None:
    from workers.evaluation.ratings import rate

    found = match_log.read(_log(arguments))
    wanted = (arguments.game, arguments.board, arguments.num_players)
    ladders: dict[Ladder, list[Any]] = {}
    for result in found.results:
        ladder = result.ladder
        if (ladder.game, ladder.board, ladder.players) == wanted:
            ladders.setdefault(ladder, []).append(result)
    if not ladders:
        raise NoDataYet(f"{_log(arguments)}: there are no matches of {' '.join(map(str, wanted))}p")
    names = checkpoint_names(_models(arguments))
    shown, texts = [], []
    for ladder, results in ladders.items():
        ratings = rate(results)
        games = sum(len(result.games) for result in results)
        shown.append({"ladder": ladder, "games": games, "ratings": ratings})
        texts.append(f"{ladder.name} ({ladder.rules}), {games} games")
        texts.append(tables.ratings_table(ratings, names))
    if found.left_out:
        texts.append(f"left out of {_log(arguments)}: {found.left_out}")
    _show(arguments, {"ladders": shown, "left_out": found.left_out}, "\n".join(texts))


def _history(worker: Worker, arguments: argparse.Namespace) -> None:
    changes = history(_models(arguments), "best")
    if not changes:
        raise NoDataYet(f"{_models(arguments)}: nothing was ever best")
    _show(arguments, {"history": changes}, tables.history_table(changes))


def _rollback(worker: Worker, arguments: argparse.Namespace) -> None:
    change = promotion.rollback(_models(arguments), arguments.reason)
    _show(arguments, change, f"best is {change.after} again; it was {change.before}")


# ------------------------------------------------------------ what they share


def _arena(worker: Worker, arguments: argparse.Namespace) -> "Arena":
    tune_allocator()
    from workers.evaluation.arena import Arena
    from workers.evaluation.openings import PLIES_PER_SEAT

    game = _game(arguments)
    seed = secrets.randbits(63) if arguments.seed is None else arguments.seed
    plies = arguments.opening_plies
    if plies is None:
        plies = PLIES_PER_SEAT * game.players
    worker.say(seed=seed, opening_plies=plies)
    return Arena(
        worker,
        game,
        _log(arguments),
        seed,
        plies,
        arguments.batch_size,
        lambda text: _say(arguments, text),
    )


def _game(arguments: argparse.Namespace) -> "TensorGame":
    import torch

    from workers.games import GameError, load_game

    torch.set_num_threads(arguments.threads or cpu_threads())
    device = arguments.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return load_game(arguments.game, arguments.board, arguments.num_players, device)
    except GameError as error:
        raise Misconfigured(str(error)) from error
    except RuntimeError as error:  # a device that is not there
        raise Misconfigured(f"--device {device}: {error}") from error


def _test(arguments: argparse.Namespace) -> Sprt:
    test = Sprt(
        arguments.elo0,
        arguments.elo1,
        arguments.alpha,
        arguments.beta,
        arguments.min_games,
        arguments.max_games,
    )
    if not (test.elo0 < test.elo1 and math.isfinite(test.elo0) and math.isfinite(test.elo1)):
        raise Misconfigured(f"--elo0 {test.elo0:g} must be below --elo1 {test.elo1:g}")
    if not (0 < test.alpha < 0.5 and 0 < test.beta < 0.5):
        raise Misconfigured("--alpha and --beta are rates between 0 and 0.5")
    if not 0 < test.min_games <= test.max_games:
        raise Misconfigured(f"--min-games {test.min_games} to --max-games {test.max_games}: none")
    return test


def _search(arguments: argparse.Namespace) -> str:
    return f"puct:{arguments.sims}" if arguments.search == "puct" else "policy"


def _key(arguments: argparse.Namespace) -> str:
    return f"{arguments.board}_{arguments.num_players}p"


def _log(arguments: argparse.Namespace) -> Path:
    return match_log.log_path(arguments.matches, _key(arguments))


def _models(arguments: argparse.Namespace) -> Path:
    return model_folder(arguments.models, _key(arguments))


def _say(arguments: argparse.Namespace, text: str) -> None:
    """Standard output is JSON alone where that was asked for."""
    print(text, file=sys.stderr if arguments.json else sys.stdout, flush=True)


def _show(arguments: argparse.Namespace, values: Any, text: str) -> None:
    print(json.dumps(tables.plain(values)) if arguments.json else text, flush=True)
