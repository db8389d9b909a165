"""The train job: what it would do, what it checks before the first byte moves, and the doing."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from workers.harness import Misconfigured, Worker
from workers.jobs.document import Document
from workers.jobs.errors import Interrupted
from workers.jobs.parts import FAILED, Parts
from workers.jobs.plan import HostPlan, Plan
from workers.jobs.train import tree, wsl
from workers.jobs.train.legs import NAMES, RESULTS, TRAIN, Journey
from workers.jobs.train.lock import held
from workers.jobs.train.orders import DATA, NATIVE, STANDARD, Orders, orders_of
from workers.jobs.train.paths import Unmapped, is_windows, to_wsl, word_to_wsl
from workers.jobs.train.place import interpreter
from workers.jobs.train.side import Here, Side

NEVER = (
    "change, move or remove a file of the source",
    "bring back anything but new files that match the results' patterns",
    "remove anything outside the mirror, which it knows by a mark of its own",
)
_PYTHONS = frozenset({"python", "python3"})


def plan(document: Document) -> Plan:
    """Reads the source; nothing is changed, and WSL is not entered. Raises Misconfigured."""
    orders = orders_of(document)
    refusals, files, size = [], None, None
    if not orders.source_in_wsl:
        try:
            found = tree.walk(orders.source)
            files, size = len(found.files), found.bytes
            refusals += [f"{orders.named}: {odd}" for odd in found.odd]
        except OSError as error:
            refusals.append(f"{orders.named}: {error.strerror}: there is no source to train from")
    commands = [orders.command]
    if orders.far:
        commands.insert(0, wsl.command(orders.distro))
    host = HostPlan(document.here, _does(orders), files, size, tuple(commands), _notes(orders))
    return Plan(document, f"train, mode {orders.mode}", (host,), NEVER, (), tuple(refusals))


def run(worker: Worker, document: Document) -> int | None:
    """Raises WorkerError with what stands against it; 0 once the results are back and the source is proven."""
    orders = orders_of(document)
    deadline = time.monotonic() + document.limits.timeout_s if document.limits.timeout_s else None

    def ending() -> str | None:
        if worker.stopping:
            return "stopped"
        if deadline is not None and time.monotonic() > deadline:
            return f"took longer than {document.limits.timeout_s:g} s (timeout_s)"
        return None

    parts = Parts(worker, [TRAIN] if orders.mode == STANDARD else NAMES, "file")
    try:
        with _sides(orders) as (source, ground, back):
            journey = Journey(worker, parts, orders, source, ground, back, "", None, ending)
            text = _standard(journey) if orders.mode == STANDARD else _synced(journey, document.run)
    except Interrupted as error:
        _say_failed(parts, error)
        if worker.stopping:
            return None  # it says that it was stopped
        raise
    except BaseException as error:
        _say_failed(parts, error)
        raise
    worker.log(text)
    worker.say(message=text)
    return 0


def _say_failed(parts: Parts, error: BaseException) -> None:
    for part in parts.in_state("running"):
        part.say(state=FAILED, message=str(error))


def _standard(journey: Journey) -> str:
    """In place."""
    orders = journey.orders
    if not os.path.isdir(orders.source):
        raise Misconfigured(f"{orders.named}: is no folder; there is nothing to train from")
    python = interpreter(orders.pythons)
    journey.train(_argv(orders, orders.source, _needed(orders, python), "/mnt/"), orders.source)
    return f"trained in place in {journey.legs[TRAIN].seconds:.1f} s"


def _synced(journey: Journey, run: str) -> str:
    orders, ground = journey.orders, journey.ground
    found = _checked(orders, ground)
    journey.fast, journey.free = found["folder"], found["free"]
    argv = _argv(orders, journey.fast, _needed(orders, found["python"]), found["mounts"])
    with held(orders):
        before, mirrored = journey.mirror()
        journey.train(argv, journey.fast)
        names = journey.bring_back(mirrored, run)
        journey.tidy(mirrored)
        journey.prove_untouched(before, names)
    mirror, train, back = (journey.legs[name] for name in NAMES)
    return (
        f"mirrored {mirror.files:,} files in {mirror.seconds:.1f} s ({mirror.files_s:,.0f} files/s), "
        f"trained {train.seconds:.1f} s, {back.files} results back in {back.seconds:.1f} s"
    )


def _checked(orders: Orders, ground: Side) -> dict[str, Any]:
    """Asks the place where it will train, before the first byte moves. Raises Misconfigured."""
    if not orders.source_in_wsl and not os.path.isdir(orders.source):
        raise Misconfigured(f"{orders.named}: is no folder; there is nothing to train from")
    first = ground.probe(orders.fast, orders.named, {}, orders.pythons)
    asked = _mapped_words(orders, first["mounts"]) if orders.far else {}
    found = ground.probe(orders.fast, orders.named, asked, orders.pythons) if asked else first
    if found["problems"]:
        raise Misconfigured("; ".join(found["problems"]))
    return found


def _mapped_words(orders: Orders, mounts: str) -> dict[str, str]:
    """The paths of Windows that must be found in WSL, as WSL calls them."""
    named = [word.partition("=")[2] if word.startswith("-") else word for word in orders.command]
    paths = [path for path in (orders.named, *named) if is_windows(path)]
    try:
        return {to_wsl(path, orders.distro, mounts): path for path in paths}
    except Unmapped as error:
        raise Misconfigured(str(error)) from None


def _argv(orders: Orders, folder: str, python: str | None, mounts: str) -> tuple[str, ...]:
    """The command as it runs where it trains."""
    words = [word.replace(DATA, folder) for word in orders.command]
    if orders.far:
        words = [word_to_wsl(word, orders.distro, mounts) for word in words]
    if python is not None and words[0] in _PYTHONS:
        words[0] = python
    return tuple(words)


def _needed(orders: Orders, python: str | None) -> str | None:
    """Raises Misconfigured where interpreters are named and none is there."""
    if orders.python and python is None:
        raise Misconfigured(f"python: none of {', '.join(orders.python)} is there")
    return python


@contextmanager
def _sides(orders: Orders) -> Iterator[tuple[Side, Side, Side]]:
    """(source, ground, back)"""
    here = Here()
    ground: Side = wsl.Wsl(orders.distro) if orders.far else here
    try:
        yield (
            ground if orders.source_in_wsl else here,
            ground,
            ground if orders.back_in_wsl else here,
        )
    finally:
        with suppress(OSError):
            ground.close()


def _does(orders: Orders) -> str:
    if orders.mode == STANDARD:
        return f"trains in {orders.named}"
    where = orders.fast if orders.mode == NATIVE else f"{orders.distro}:{orders.fast}"
    return f"mirrors {orders.named} to {where}, trains there, brings {', '.join(orders.results)} back to {orders.back}"


def _notes(orders: Orders) -> tuple[str, ...]:
    if orders.mode == STANDARD:
        return ()
    return (
        "files that are in the mirror already are not copied again",
        f"{RESULTS} are proven by their hash",
    )
