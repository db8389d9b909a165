"""What became of a command to some workers, in words or as JSON, and the exit code it makes."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from console.cli import shapes
from console.cli.output import complain, print_json, print_line
from console.cli.workers.fleet import code_of
from console.operations.workers import Outcome


def tell(options: Namespace, act: str, outcomes: Sequence[Outcome]) -> int:
    """What is done is said on standard output, what is not on standard error."""
    if options.json:
        shown = [shapes.outcome(outcome) for outcome in outcomes]
        print_json({"schema": shapes.SCHEMA, "act": act, "outcomes": shown})
    for outcome in outcomes:
        who = f"{outcome.name}@{outcome.node}"
        if not outcome.done:
            complain(f"{who}: {outcome.verdict.value}: {outcome.text}")
        elif not options.json:
            print_line(f"{who}: {outcome.text} (run {outcome.run_id[:12]})")
            for note in outcome.notes:
                print_line(f"  {note}")
    return code_of(outcomes)
