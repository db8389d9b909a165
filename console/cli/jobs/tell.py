"""What became of a job, in words or as JSON, and the exit code it makes."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from console.cli import exits
from console.cli.jobs import shapes
from console.cli.output import complain, print_json, print_line
from console.cli.shapes import outcome as outcome_shape
from console.cli.workers.fleet import code_of
from console.operations.outcomes import Outcome, Target
from console.operations.waiting import is_over
from workers.contract import EXIT_CONFIGURATION, EXIT_WAITING
from workers.protocol import WorkerRecord

if TYPE_CHECKING:
    from console.runtime import Runtime


def tell_start(options: Namespace, outcome: Outcome) -> int:
    """A start or a cancel. What is not done is said on standard error."""
    if options.json:
        print_json({"schema": shapes.SCHEMA, "outcome": outcome_shape(outcome)})
    if not outcome.done:
        complain(f"{outcome.name}@{outcome.node}: {outcome.verdict.value}: {outcome.text}")
    elif not options.json:
        print_line(f"{outcome.name}@{outcome.node}: {outcome.text} (run {outcome.run_id[:12]})")
        for note in outcome.notes:
            print_line(f"  {note}")
    return code_of([outcome])


def tell_end(options: Namespace, runtime: Runtime, target: Target) -> int:
    """How a run that was waited for ended; 0 only where all of it was done."""
    row = next(
        (r for r in runtime.jobs.rows() if r.view and r.view.record.run_id == target.run_id), None
    )
    if row is None or row.view is None:
        complain(f"{target}: nothing is known of run {target.run_id[:12]} any more")
        return exits.UNREACHABLE
    if options.json:
        print_json({"schema": shapes.SCHEMA, **shapes.run(row)})
    else:
        said = f": {row.message}" if row.message else ""
        print_line(f"{target}: {row.state}{said}")
    record = row.view.record
    if not is_over(record):
        complain(f"{target}: it goes on; `jobs show {target.name}` says how far it is")
        return exits.UNREACHABLE
    return code_of_end(record)


def code_of_end(record: WorkerRecord) -> int:
    """The exit code for how a run ended: what no node could be reached for is unknown, not failed."""
    if record.state == "exited" and record.exit_code == 0:
        return exits.DONE
    if record.state == "lost" or record.exit_code == EXIT_WAITING:
        return exits.UNREACHABLE
    return exits.REFUSED if record.exit_code == EXIT_CONFIGURATION else exits.FAILED
