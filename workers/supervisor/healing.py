"""A damaged run directory made whole: what is damaged is kept aside, what remains is used.

For the holder of the run's lock only.
"""

import os
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from workers.protocol import plain
from workers.supervisor import desired as wishes
from workers.supervisor import events as kinds
from workers.supervisor import exit_record, pid_record, reserve, storage

if TYPE_CHECKING:
    from workers.supervisor.run import Run


def heal(run: "Run") -> Tuple[str, ...]:
    """What was done, in words; each is a WARNING of the history too. Raises OSError."""
    done = [*_heal_history(run), *_heal_attempts(run), *_heal_spec(run), *_heal_desired(run)]
    for text in done:
        run.append(kinds.WARNING, text=text)
    reserve.stock(run.paths.reserve)
    return tuple(done)


def _heal_history(run: "Run") -> List[str]:
    """Without its damaged records, and with a beginning."""
    run.condition()
    done = []
    damaged = run.history.damaged
    if damaged:
        aside = storage.set_aside(run.paths.events)
        run.history.rewrite()
        done.append(f"events.jsonl: {damaged} damaged records were dropped{_kept(aside)}")
    if not run.created:
        spec = run.spec_file.read()
        known = {} if spec is None else {"by": spec.by, "spec": plain(spec)}
        run.append(kinds.CREATED, rebuilt=True, **known)
        done.append("events.jsonl: the beginning of the history was missing")
    return done


def _heal_attempts(run: "Run") -> List[str]:
    """An attempt whose process was written down has begun, whatever the history says."""
    done = []
    for number in run.paths.attempts():
        if number <= run.condition().attempt:
            continue
        paths = run.paths.attempt(number)
        process = pid_record.read(paths.pid)
        ended = exit_record.read(paths.exit_record)
        if process is None and ended is None:
            continue
        run.append(kinds.INTENT, attempt=number, **_clocks(process or ended))
        if process is not None:
            fields: Dict[str, Any] = {"pid": process.pid, "ticks": process.ticks}
            run.append(kinds.STARTED, attempt=number, **fields, **_clocks(process))
        if ended is not None:
            run.append(kinds.EXITED, **exit_record.fields(ended))
        done.append(f"events.jsonl: attempt {number} was missing and is rebuilt from its files")
    return done


def _heal_spec(run: "Run") -> List[str]:
    fault = run.spec_file.fault()
    if not fault:
        return []
    spec = run.spec()
    if not spec.command:  # it stays where it is: nothing better can take its place
        return []
    aside = storage.set_aside(run.paths.spec)
    storage.write_sealed(run.paths.spec, plain(spec))
    return [f"{fault}: rebuilt from the history{_kept(aside)}"]


def _heal_desired(run: "Run") -> List[str]:
    with wishes.Turn(run.paths.desired_lock):
        fault = run.desired_file.fault()
        if not fault:
            return []
        aside = storage.set_aside(run.paths.desired)
        wishes.write(run.paths.desired, run.desired())
    return [f"{fault}: rebuilt from the history{_kept(aside)}"]


def _clocks(record: Any) -> Dict[str, Any]:
    return {"boottime": record.boottime, "boot_id": record.boot_id}


def _kept(aside: Optional[str]) -> str:
    return f" (kept as {os.path.basename(aside)})" if aside else ""
