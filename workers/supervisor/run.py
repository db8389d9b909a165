"""One run: its run directory, read by everybody, written by the holder of its lock and by those who want something."""

import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from workers.machine import boot
from workers.protocol import ProtocolError, WorkerSpec, decode
from workers.supervisor import desired as wishes
from workers.supervisor import events as kinds
from workers.supervisor import reserve, storage
from workers.supervisor.condition import Condition, fold
from workers.supervisor.desired import Desired, Superseded
from workers.supervisor.paths import AttemptPaths, RunPaths
from workers.supervisor.records import News, RecordFile
from workers.supervisor.sealed_file import SealedFile

_PATIENCE_S = 0.5  # agents hold a free lock for an instant to see that it is free
_NO_CONDITION = Condition()


class Run:
    """Reading never raises for what the files hold: what cannot be read is in ``faults``."""

    def __init__(self, paths: RunPaths) -> None:
        self.paths = paths
        self.history = RecordFile(paths.events)
        self.spec_file = SealedFile(paths.spec, spec_of)
        self.desired_file = SealedFile(paths.desired, wishes.desired_of)
        self._condition = _NO_CONDITION
        self._spec: Optional[WorkerSpec] = None
        self._created: Dict[str, Any] = {}
        self._unreadable = ""

    @property
    def run_id(self) -> str:
        return self.paths.run_id

    # ---------------------------------------------------------------- reading

    def spec(self) -> WorkerSpec:
        """What is to run; from the history where ``spec.json`` is damaged; without a command where both are.

        It never changes: once read it is not looked at again.
        """
        if self._spec is not None:
            return self._spec
        found: Optional[WorkerSpec] = self.spec_file.read()
        self._spec = found
        if found is None:
            self.condition()
            found = _spec_in(self._created)
        return found or WorkerSpec(self.run_id, f"unreadable-{self.run_id[:8]}", ())

    def desired(self) -> Desired:
        """What is wanted of it; from the history where ``desired.json`` is damaged."""
        found: Optional[Desired] = self.desired_file.read()
        if found is not None:
            return found
        now = self.condition()
        last = [event for event in self.events() if event.get("kind") == kinds.DESIRED][-1:]
        act = str(last[0].get("act")) if last else "start"
        want = wishes.WANTS.get(act, "running")
        return Desired(now.sequence, want, act if act in wishes.WANTS else "start")

    def condition(self) -> Condition:
        """What the run is now. An unchanged history costs one ``stat``."""
        try:
            self._fold(self.history.read_new())
        except OSError as error:
            self._unreadable = f"events.jsonl: {error.strerror}"
        else:
            self._unreadable = ""
        return self._condition

    def events(self) -> List[Dict[str, Any]]:
        """The whole history, the oldest first; what of it cannot be read is missing."""
        try:
            return list(RecordFile(self.paths.events).read_new().records)
        except OSError:
            return []

    def size(self) -> int:
        """Bytes of the history as far as it was read; another number after every event."""
        return self.history.size

    @property
    def created(self) -> Mapping[str, Any]:
        """The CREATED event (``serial`` orders the runs of a node); empty where it is gone."""
        if not self._created:
            self.condition()
        return self._created

    def faults(self) -> Tuple[str, ...]:
        """Why a part of the run cannot be read, a sentence each."""
        self.condition()
        found = [self.spec_file.fault(), self.desired_file.fault(), self._unreadable]
        if self.history.damaged:
            found.append(f"events.jsonl: {self.history.damaged} damaged records are skipped")
        if not self._created and not self._unreadable:
            found.append("events.jsonl: the beginning of the history is missing")
        return tuple(fault for fault in found if fault)

    @property
    def unreadable(self) -> Optional[str]:
        """Why it is not even known what was to run; None where it is."""
        if self.spec().command or not self.faults():
            return None
        return "; ".join(self.faults())

    def newest_attempt(self) -> Optional[AttemptPaths]:
        """The folder of the last attempt, by the history and, where that is gone, by the folders."""
        number = self.condition().attempt or max(self.paths.attempts(), default=0)
        return self.paths.attempt(number) if number else None

    # ---------------------------------------------------------------- the lock

    def take(self, patience_s: float = _PATIENCE_S) -> Optional[int]:
        """The run's lock as a descriptor (closed on exec, shared by fork); None while another holds it."""
        return storage.wait_lock(self.paths.lock, patience_s)

    def is_held(self) -> bool:
        """True while a pair, or an agent that records an end, holds the lock."""
        return storage.is_locked(self.paths.lock)

    # ---------------------------------------------------------------- writing

    def want(
        self,
        act: str,
        by: str,
        grace_s: Optional[float] = None,
        expected: Optional[int] = None,
    ) -> Desired:
        """Writes down, durably, what is wanted from now on. The caller then pokes the pair.

        Raises Superseded where ``expected`` is not the sequence that holds, ValueError for an unknown act,
        OSError.
        """
        with wishes.Turn(self.paths.desired_lock):
            current = self.desired()
            if expected is not None and expected != current.sequence:
                raise Superseded(current)
            wanted = wishes.following(current, act, by, grace_s)
            if self.desired_file.fault():
                storage.set_aside(self.paths.desired)
            self._spending_reserve(lambda: wishes.write(self.paths.desired, wanted))
        return wanted

    def append(self, kind: str, **fields: Any) -> None:
        """Adds an event, durably. Only the holder of the lock may. Raises OSError."""
        failure = self._append(kind, fields)
        if failure is not None:
            text = f"events.jsonl: {failure.strerror}: written anew"
            self._append(kinds.WARNING, {"text": text})

    def heal(self) -> Tuple[str, ...]:
        """Keeps damaged files aside and rebuilds them from what remains; what was done, in words.

        Only the holder of the lock may. Raises OSError.
        """
        from workers.supervisor.healing import heal

        return heal(self)

    def _append(self, kind: str, fields: Mapping[str, Any]) -> Optional[OSError]:
        event = {
            "kind": kind,
            "wall": time.time(),
            "boottime": boot.boottime(),
            "boot_id": boot.boot_id(),
            **fields,
        }
        news, failure = self._spending_reserve(lambda: self.history.append(event))
        self._fold(news)
        found: Optional[OSError] = failure
        return found

    def _spending_reserve(self, write: Callable[[], Any]) -> Any:
        try:
            return write()
        except OSError as error:
            if error.errno not in reserve.FULL or not reserve.release(self.paths.reserve):
                raise
            return write()

    def _fold(self, news: News) -> None:
        if news.anew:
            self._condition, self._created = _NO_CONDITION, {}
        for event in news.records:
            if event.get("kind") == kinds.CREATED and not self._created:
                self._created = event
        self._condition = fold(news.records, self._condition)


def spec_of(body: Mapping[str, Any]) -> WorkerSpec:
    """Raises ProtocolError. Fields of a later release are ignored."""
    found: WorkerSpec = decode(WorkerSpec, dict(body))
    return found


def _spec_in(created: Mapping[str, Any]) -> Optional[WorkerSpec]:
    body = created.get("spec")
    try:
        return spec_of(body) if type(body) is dict else None
    except ProtocolError:
        return None
