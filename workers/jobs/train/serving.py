"""The far side of WSL: does what comes over standard input, and ends with it."""

import os
import signal
import subprocess
import sys
import threading
from typing import Any, BinaryIO, Callable, Dict, Optional

from workers.jobs.train.files import (
    Arrival,
    Changed,
    adopt,
    copy,
    digests,
    discard,
    link,
    pieces,
    remove,
    write_all,
)  # fmt: skip
from workers.jobs.train.frames import receive, send
from workers.jobs.train.place import probe
from workers.jobs.train.tree import Entry, walk

Message = Dict[str, Any]
_PATIENCE_S = 5.0


class Server:
    """One at the other end of a pipe. Its commands' output goes to standard error."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._lock = threading.Lock()
        self._arrival: Optional[Arrival] = None
        self._fault: Optional[BaseException] = None
        self._child: Optional[subprocess.Popen[bytes]] = None

    def serve(self) -> None:
        """Until the other side goes; what runs then ends too."""
        acts: Dict[str, Callable[[Message, bytes], Message]] = {
            "probe": self._probe, "walk": self._walk, "get": self._get, "copy": self._copy,
            "link": self._link, "remove": self._remove, "digests": self._digests,
            "adopt": self._adopt, "discard": self._discard, "run": self._run, "settle": self._settle,
        }  # fmt: skip
        try:
            while (found := receive(self._incoming)) is not None:
                message, data = found
                if message["do"] == "put":
                    self._put(message, data)
                elif message["do"] == "stop":
                    self._signal(signal.SIGKILL if message["force"] else signal.SIGTERM)
                else:
                    self._answer(acts[message["do"]], message, data)
        finally:
            self._end()

    def _answer(
        self, act: Callable[[Message, bytes], Message], message: Message, data: bytes
    ) -> None:
        try:
            self._say(act(message, data))
        except (OSError, ValueError, Changed) as error:
            self._say({"error": str(error), "errno": getattr(error, "errno", None)})

    def _say(self, message: Message, data: bytes = b"") -> None:
        with self._lock:
            send(self._outgoing, message, data)
            self._outgoing.flush()

    # ------------------------------------------------------------ files

    def _probe(self, message: Message, _: bytes) -> Message:
        return probe(message["fast"], message["source"], message["asked"], message["pythons"])

    def _walk(self, message: Message, _: bytes) -> Message:
        found = walk(message["root"])
        return {"files": found.files, "links": found.links, "odd": found.odd}

    def _put(self, message: Message, data: bytes) -> None:
        """A piece of a file; what goes wrong is kept until it is asked for."""
        if self._fault is not None:
            return
        try:
            if self._arrival is None:
                self._arrival = Arrival(message["root"], message["name"], message["durable"])
            write_all(self._arrival.descriptor, data)
            if not message["more"]:
                self._arrival.finish(Entry(*message["entry"]))
                self._arrival = None
        except (OSError, ValueError) as error:
            self._fault = error
            self._drop()

    def _settle(self, message: Message, _: bytes) -> Message:
        """Whether all that was put is there. A file of which not all came is given up."""
        self._drop()
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        return {}

    def _drop(self) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is not None:
            arrival.__exit__(None, None, None)

    def _get(self, message: Message, _: bytes) -> Message:
        entries = {name: Entry(*entry) for name, entry in message["entries"].items()}
        for name, entry, data, more in pieces(message["root"], entries):
            self._say({"name": name, "entry": entry, "more": more}, data)
        return {"over": True}

    def _copy(self, message: Message, _: bytes) -> Message:
        entries = {name: Entry(*entry) for name, entry in message["entries"].items()}
        bad = copy(
            message["source"], message["target"], entries,
            lambda done, size: self._say({"done": done, "bytes": size}), message["durable"],
        )  # fmt: skip
        return {"over": True, "changed": bad}

    def _link(self, message: Message, _: bytes) -> Message:
        link(message["root"], message["links"])
        return {}

    def _remove(self, message: Message, _: bytes) -> Message:
        remove(message["root"], message["names"])
        return {}

    def _digests(self, message: Message, _: bytes) -> Message:
        return {"digests": digests(message["root"], message["names"])}

    def _adopt(self, message: Message, _: bytes) -> Message:
        adopt(message["staging"], message["root"], message["names"])
        return {}

    def _discard(self, message: Message, _: bytes) -> Message:
        discard(message["root"])
        return {}

    # ------------------------------------------------------------ the command

    def _run(self, message: Message, _: bytes) -> Message:
        self._child = child = subprocess.Popen(
            message["argv"], cwd=message["directory"], stdin=subprocess.DEVNULL, stdout=2, stderr=2,
            env={**os.environ, **message["environment"]}, start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=lambda: self._say({"ended": child.wait()}), daemon=True).start()
        return {"pid": child.pid}

    def _end(self) -> None:
        self._drop()
        child = self._child
        if child is None or child.poll() is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            child.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._child is not None and self._child.poll() is None:
            try:
                os.killpg(self._child.pid, number)
            except ProcessLookupError:
                pass


def main() -> None:
    """The program of the far side."""
    Server(sys.stdin.buffer, sys.stdout.buffer).serve()
