"""`jobs cancel`."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from console.cli.jobs import fleet
from console.cli.jobs.tell import tell_start
from console.cli.workers.fleet import seconds
from console.errors import Refused
from console.operations.jobs.spec import GRACE_S
from console.operations.waiting import is_over

_BEYOND_S = 60.0


async def run(options: Namespace) -> int:
    if getattr(options, "read_only", False):
        raise Refused("jobs cancel: this console is read-only; nothing was done")
    async with fleet.homes(options) as runtime:
        target = runtime.jobs.find(options.name)
        outcome = await runtime.jobs.cancel(target)
        if outcome.done:
            outcome = replace(outcome, text="asked to end")
        if outcome.done and options.wait:
            limit_s = seconds(options.timeout, "--timeout") or GRACE_S + _BEYOND_S
            (outcome,) = await runtime.workers.wait([target], is_over, limit_s)
        return tell_start(options, outcome)
