"""The loop of self-play: a move in every game, write what has ended, begin anew."""

import argparse

from workers.harness import Misconfigured, Worker
from workers.records import Journal
from workers.search import NETWORK_SEARCHES, SEARCHES, Evaluator, SearchInterrupted
from workers.selfplay.arguments import number_or_auto, playout_cap, search_name
from workers.selfplay.deciding import Decider
from workers.selfplay.finished import Origin, record_of
from workers.selfplay.networks import NONE, Networks
from workers.selfplay.probe import choose_pace, evaluator
from workers.selfplay.progress import Progress
from workers.selfplay.seeds import seeds_for
from workers.selfplay.setting import (
    chosen_device,
    new_uuid,
    opened,
    set_threads,
    wanted_game,
)
from workers.selfplay.slots import Slots

_FEW = 64  # games at a time; with fewer each costs many times as much


def play(worker: Worker, arguments: argparse.Namespace) -> None:
    """Until the games are played, or it is stopped or drained. Raises WorkerError, OSError."""
    session = Session(worker, arguments)
    with opened(
        worker, arguments, session.game.board, session.game.players, session.uuid
    ) as journal:
        session.play(journal)


class Session:
    """One run of the worker: its game, its network, and the games under way. Raises WorkerError."""

    def __init__(self, worker: Worker, arguments: argparse.Namespace) -> None:
        self._worker, self._arguments = worker, arguments
        self.uuid = new_uuid()
        device = chosen_device(arguments.device)
        threads = set_threads(arguments.threads, arguments.local_workers)
        self.game = wanted_game(arguments, device)
        self._limit: int | None = None if arguments.forever else arguments.num_games
        seeds = seeds_for(worker.run_id, self.uuid, worker.name, arguments.seed)
        self._networks = Networks(self.game, arguments.models, _net_word(arguments), worker, device)
        self._playing = self._networks.first(arguments.architecture, seeds.of(0))
        search = search_name(arguments)
        cap = playout_cap(arguments.playout_cap)
        most_moves = number_or_auto(arguments.max_moves, "--max-moves") or self.game.max_moves
        batch = number_or_auto(arguments.batch_size, "--batch-size")
        self._choice = choose_pace(
            self.game, search, self._playing.network, batch, arguments.dtype, self._limit
        )
        self._slots = Slots(self.game, self._choice.batch, self._limit, seeds, most_moves)
        self._decider = Decider(
            self.game, search, self._evaluator(), arguments.temperature_plies, cap
        )
        self._decider.interrupted(lambda: worker.stopping)
        self._introduce(threads, device)

    def play(self, journal: Journal) -> None:
        """Raises OSError."""
        worker, slots, game = self._worker, self._slots, self.game
        progress = Progress(worker, journal, game.players, self._limit, self._arguments.output)
        origin = Origin(
            game.name, game.board, game.players, game.rules, self._decider.name, self.uuid
        )
        progress.say("begins", now=True)
        while slots.live and not worker.stopping:
            if worker.draining:
                slots.begin_no_more()
            self._follow_the_pointer()
            try:
                decision, ended = slots.turn(self._decider)
            except SearchInterrupted:
                break
            for one in ended:
                record = record_of(one, origin, self._playing.hash)
                journal.append(record)
                progress.count_game(record)
            progress.count_search(decision, slots.live, slots.size)
            slots.refill()
            journal.tick()
            progress.say(self._message())
        journal.seal()
        progress.say(self._message(), now=True)

    def _message(self) -> str:
        last = ", the last ones" if self._worker.ending else ""
        return f"{self._slots.live} games under way, ply {self._slots.longest}{last}"

    def _evaluator(self) -> Evaluator:
        return evaluator(self.game, self._playing.network, self._slots.size, self._choice.manner)

    def _follow_the_pointer(self) -> None:
        changed = self._networks.changed()
        if changed is not None:
            self._worker.log(f"the network is now {changed.name}, it was {self._playing.name}")
            self._playing = changed
            self._decider.ask(self._evaluator())
            self._worker.say(network=changed.name)

    def _introduce(self, threads: int, device: str) -> None:
        search, choice = self._decider.name, self._choice
        self._worker.log(
            f"{self.game.key}: {search}, network {self._playing.name}, {choice}, threads {threads}, {device}"
        )
        if self._slots.size < _FEW:
            self._worker.log(
                f"{self._slots.size} games at a time: each takes many times as long as with {_FEW} or more"
            )
        self._worker.say(
            network=self._playing.name,
            search=search,
            batch=self._slots.size,
            manner=str(choice.manner),
            threads=threads,
            device=device,
            writer=self.uuid,
        )


def _net_word(arguments: argparse.Namespace) -> str:
    """Which network; none for a search that asks none. Raises Misconfigured."""
    kind = arguments.search.partition(":")[0]
    if kind not in SEARCHES:
        raise Misconfigured(f"no search is called {kind!r}; there are {', '.join(SEARCHES)}")
    word: str = arguments.net if kind in NETWORK_SEARCHES else NONE
    return word
