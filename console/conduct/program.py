"""A console without a screen that does one job and ends: its orders, its fleet, its signals, its exit code."""

from __future__ import annotations

import argparse
import asyncio
import errno
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NoReturn

from console.conduct.orders import Orders, load
from console.conduct.score import Score
from console.conduct.telling import FAILED, RUNNING, Telling
from console.errors import LinkError, QuarterdeckError, SettingsError, UsageError
from console.fleet.model import Attention, Detached, Down, NodeSpec, Transport, Up
from console.operations.waiting import until
from console.runtime import Runtime
from console.settings.load import Loaded
from console.settings.load import load as load_settings
from workers import contract

KINDS = ("command", "update_code", "pipeline", "schedule")
WHOLE = frozenset({"pipeline", "schedule"})  # kinds whose jobs may need any node
SETTLED_S = 20.0  # a node that has not answered by then is told as such
_UNITS = {"pipeline": "step", "schedule": "job"}


@dataclass(frozen=True)
class Conductor:
    """What each kind of job has at hand."""

    orders: Orders
    runtime: Runtime
    telling: Telling


Conduct = Callable[[Conductor], Awaitable[int]]


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the worker contract."""
    try:
        options = _parser().parse_args(sys.argv[1:] if argv is None else argv)
        orders = load(options.document, options.kind)
        kind: Any = import_module(f"console.conduct.{options.kind}")
        if options.plan:
            return _show(kind.plan(orders), orders, options.json)
        telling = Telling(_UNITS.get(options.kind, "node"))
        telling.say(phase=options.kind)
        return asyncio.run(_conducted(orders, kind.run, telling))
    except QuarterdeckError as error:
        return _fail(None, error)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage().rstrip()}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m console.conduct", description=__doc__)
    parser.add_argument("kind", choices=KINDS, help="what the job does")
    parser.add_argument("--document", metavar="FILE", help="its orders (default: $QD_INPUT)")
    parser.add_argument("--plan", action="store_true", help="say what it would do, and do nothing")
    parser.add_argument("--json", action="store_true", help="the plan as JSON")
    return parser


def _show(score: Score, orders: Orders, as_json: bool) -> int:
    print(score.json(orders) if as_json else score.text(orders), flush=True)
    return contract.EXIT_CONFIGURATION if score.refusals else contract.EXIT_DONE


# ---------------------------------------------------------------- doing it


async def _conducted(orders: Orders, conduct: Conduct, telling: Telling) -> int:
    """Runs it to its end, or until a signal ends it; the status says which."""
    work = asyncio.ensure_future(_with_fleet(orders, conduct, telling))
    keeping = asyncio.create_task(telling.keep())
    told: list[int] = []

    def stop(number: int) -> None:
        told.append(number)
        telling.say(message="stopping")
        work.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    try:
        return await _outcome(work, telling, told, orders.timeout_s)
    finally:
        keeping.cancel()
        telling.write()


async def _outcome(
    work: asyncio.Future[int], telling: Telling, told: list[int], timeout_s: float
) -> int:
    try:
        code = await asyncio.wait_for(work, timeout_s or None)
        return 128 + told[0] if told else code
    except asyncio.TimeoutError:
        return _fail(telling, QuarterdeckError(f"took longer than {timeout_s:g} s (timeout)"))
    except asyncio.CancelledError:
        if not told:
            raise
        _end_parts(telling, "stopped")
        telling.say(phase="ended", message="stopped")
        return 128 + told[0]
    except QuarterdeckError as error:
        return _fail(telling, error)
    except OSError as error:
        return _fail(telling, error)
    except Exception as error:  # the outer edge: whatever it was is said, with where it came from
        traceback.print_exception(error)
        return _fail(telling, error)


async def _with_fleet(orders: Orders, conduct: Conduct, telling: Telling) -> int:
    loaded = load_settings(Path(orders.config) if orders.config else None)
    told: bool | Literal["jobs"] = "jobs" if orders.kind == "schedule" else False
    async with Runtime(loaded, specs_of(loaded, orders), keep=False, notify=told) as runtime:
        runtime.orchestrator()
        await settled(runtime, orders.sources)
        return await conduct(Conductor(orders, runtime, telling))


def specs_of(loaded: Loaded, orders: Orders) -> tuple[NodeSpec, ...]:
    """The nodes it needs: a connection more than that is one too many."""
    every = loaded.specs()
    if orders.kind in WHOLE:
        return every
    return tuple(s for s in every if s.name in orders.sources or s.transport is not Transport.SSH)


async def settled(runtime: Runtime, names: Sequence[str]) -> None:
    """Waits until each of them has a link, or a reason for none."""
    nodes = runtime.store.nodes
    ready = (Up, Down, Attention, Detached)
    await until(
        runtime.store,
        lambda: all(isinstance(nodes[name].link, ready) for name in names if name in nodes),
        SETTLED_S,
    )


def _fail(telling: Telling | None, error: Exception) -> int:
    text = str(error) if isinstance(error, (QuarterdeckError, OSError)) else repr(error)
    print(f"error: {text}", file=sys.stderr, flush=True)
    code = _code_of(error)
    if telling is not None:
        _end_parts(telling, text)
        waits = code == contract.EXIT_WAITING
        telling.say(
            phase="waiting" if waits else "failed", message=text,
            health="ok" if waits else contract.EXIT_WORDS.get(code, "failed"),
            blocked_because=text if waits else None,
        )  # fmt: skip
    return code


def _end_parts(telling: Telling, text: str) -> None:
    for name in telling.names(RUNNING):
        telling.part(name, state=FAILED, message=text)


def _code_of(error: Exception) -> int:
    if isinstance(error, (SettingsError, UsageError)):
        return contract.EXIT_CONFIGURATION
    if isinstance(error, LinkError):
        return contract.EXIT_WAITING
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return contract.EXIT_NO_DISK
    return 1
