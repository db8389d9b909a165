"""Runs rclone: its arguments, its progress, its complaints."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from workers.harness import Misconfigured
from workers.jobs.errors import Interrupted
from workers.jobs.remote.address import Address
from workers.jobs.remote.complaints import explain
from workers.jobs.remote.environment import child_environment
from workers.jobs.remote.tool import Rclone

VERBS = ("copy", "check", "lsjson", "cat")
"""All we ever ask for: none of them deletes, and none of them listens (rc, rcd, serve)."""

_LOOK_EVERY_S = 0.1
_ENDS_WITHIN_S = 5.0
_MOST_COMPLAINTS = 200
_MOST_OUTPUT = 256 * 1024 * 1024


@dataclass(frozen=True)
class Progress:
    """Of one call. Bytes, bytes a second, seconds; None where rclone does not know it yet."""

    files: int
    bytes: int
    bytes_total: int
    rate_bytes_s: float | None
    eta_s: float | None


@dataclass
class Answer:
    """How a call ended. ``output`` is what it printed, ``complaints`` what it logged as an error."""

    code: int
    output: bytes = b""
    complaints: list[str] = field(default_factory=list)


Tell = Callable[[Progress], None]


class Caller:
    """One remote, and rclone to speak with it. ``check`` raises Interrupted where the job should end."""

    def __init__(
        self,
        tool: Rclone,
        address: Address,
        config: str | None,
        bandwidth_kib_s: int,
        transfers: int,
        check: Callable[[], None],
    ) -> None:
        self.tool = tool
        self.address = address
        self._config = config
        self._bandwidth = bandwidth_kib_s
        self._transfers = transfers
        self._check = check

    @property
    def _config_flag(self) -> list[str]:
        return [] if self._config is None else [f"--config={self._config}"]

    def argv(self, verb: str, flags: Sequence[str], operands: Sequence[str]) -> list[str]:
        """The command, exactly. Raises Misconfigured for a verb that is not ours or an operand like a flag."""
        if verb not in VERBS:
            raise Misconfigured(f"rclone {verb} is never called")
        if any(operand.startswith("-") for operand in operands):
            raise Misconfigured("an operand of rclone begins with '-'")
        limit = [f"--bwlimit={self._bandwidth}Ki"] if self._bandwidth else []
        return [self.tool.path, verb, *_FLAGS, f"--transfers={self._transfers}", *self._config_flag, *limit, *flags, "--", *operands]  # fmt: skip

    def configuration(self) -> bytes:
        """rclone's configuration, its secrets left out by rclone itself; little where there is none."""
        argv = [self.tool.path, "config", "redacted", _FLAGS[0], *self._config_flag]
        return _Call(argv, None).wait(self._check).output

    def call(
        self,
        verb: str,
        flags: Sequence[str],
        operands: Sequence[str],
        tell: Tell | None = None,
        accept: Sequence[int] = (0,),
    ) -> Answer:
        """Waits for its end. Raises what `explain` makes of a code that is not among ``accept``; Interrupted."""
        answer = _Call(self.argv(verb, flags, operands), tell).wait(self._check)
        if answer.code not in accept:
            raise explain(answer.complaints, self.address.text, answer.code)
        return answer


_FLAGS = (
    "--ask-password=false",
    "--no-check-certificate=false",
    "--s3-no-check-bucket",
    "--use-json-log",
    "--log-level=NOTICE",
    "--stats=1s",
    "--stats-log-level=NOTICE",
    "--retries=1",
    "--low-level-retries=3",
    "--contimeout=15s",
    "--timeout=60s",
)  # fmt: skip


class _Call:
    """One process of rclone, its two outputs read as they come."""

    def __init__(self, argv: Sequence[str], tell: Tell | None) -> None:
        self._tell = tell
        self._answer = Answer(-1)
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(os.environ),
        )
        self._readers = [
            threading.Thread(target=act, args=(stream,), daemon=True)
            for act, stream in ((self._keep, self._process.stdout), (self._log, self._process.stderr))
        ]  # fmt: skip
        for reader in self._readers:
            reader.start()

    def wait(self, check: Callable[[], None]) -> Answer:
        try:
            while self._process.poll() is None:
                check()
                time.sleep(_LOOK_EVERY_S)
        except Interrupted:
            self._end()
            raise
        for reader in self._readers:
            reader.join(_ENDS_WITHIN_S)
        self._answer.code = self._process.returncode
        return self._answer

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _keep(self, stream: IO[bytes]) -> None:
        kept = []
        size = 0
        while piece := stream.read1(1 << 16):  # type: ignore[attr-defined]
            size += len(piece)
            if size <= _MOST_OUTPUT:
                kept.append(piece)
        self._answer.output = b"".join(kept)

    def _log(self, stream: IO[bytes]) -> None:
        for line in stream:
            text = line.decode("utf-8", "replace").strip()
            try:
                body = json.loads(text)
            except ValueError:
                body = None
            if isinstance(body, dict):
                self._entry(body)
            elif text:
                self._complain(text)

    def _entry(self, body: dict[str, Any]) -> None:
        stats = body.get("stats")
        if isinstance(stats, dict):
            if self._tell is not None:
                self._tell(_progress(stats))
        elif body.get("level") in ("error", "critical", "fatal", "emergency", "alert"):
            self._complain(str(body.get("msg", "")), str(body.get("object", "")))

    def _complain(self, text: str, of: str = "") -> None:
        if len(self._answer.complaints) < _MOST_COMPLAINTS:
            self._answer.complaints.append(f"{of}: {text}" if of else text)


def _progress(stats: dict[str, Any]) -> Progress:
    def number(name: str) -> float | None:
        value = stats.get(name)
        return float(value) if isinstance(value, (int, float)) else None

    return Progress(
        files=int(number("transfers") or 0),
        bytes=int(number("bytes") or 0),
        bytes_total=int(number("totalBytes") or 0),
        rate_bytes_s=number("speed"),
        eta_s=number("eta"),
    )
