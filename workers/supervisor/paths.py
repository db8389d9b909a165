"""Where everything of a run lies. All paths of a run directory are made here."""

import os
from typing import List

RUNS = "runs"
KEPT = "kept"  # what workers put into run directories that are gone
START_LOCK = "start.lock"
LOCK = "lock"  # of a run
STREAMS = ("out", "err")


class RunPaths:
    """The run directory ``nodes/<node-key>/runs/<run-id>/``."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.run_id = os.path.basename(folder)
        self.node_folder = os.path.dirname(os.path.dirname(folder))
        self.node_key = os.path.basename(self.node_folder)
        self.spec = os.path.join(folder, "spec.json")
        self.desired = os.path.join(folder, "desired.json")
        self.desired_lock = os.path.join(folder, "desired.lock")
        self.lock = os.path.join(folder, LOCK)
        self.events = os.path.join(folder, "events.jsonl")
        self.reserve = os.path.join(folder, "reserve")

    @property
    def token(self) -> str:
        """What each process of the run carries as QD_TOKEN."""
        return f"{self.node_key}:{self.run_id}"

    def attempt(self, number: int) -> "AttemptPaths":
        return AttemptPaths(os.path.join(self.folder, f"attempt-{number:04d}"))

    def attempts(self) -> List[int]:
        """The numbers of the attempts that have a folder, in order."""
        found = []
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        for name in names:
            head, _, digits = name.partition("-")
            if head == "attempt" and digits.isdigit():
                found.append(int(digits))
        return sorted(found)


class AttemptPaths:
    """The folder of one attempt. Logs are ``out.log`` and ``err.log``; their sealed segments lie beside."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.pid = os.path.join(folder, "pid.json")
        self.exit_record = os.path.join(folder, "exit.rec")
        self.index = os.path.join(folder, "index")
        self.status = os.path.join(folder, "status.json")
        self.metrics = os.path.join(folder, "metrics.jsonl")
        self.drain = os.path.join(folder, "drain")
        self.input = os.path.join(folder, "input.json")
        self.gate = os.path.join(
            folder, "gate"
        )  # while it is there, the command was never executed

    def log(self, stream: str) -> str:
        """``stream`` is "out" or "err"."""
        return os.path.join(self.folder, f"{stream}.log")
