"""From a fresh shell on a node to a running agent: one round trip when the bundle lies there.

The command is one constant line in single quotes, of characters that bash, dash, zsh, fish, tcsh and csh
all leave alone: no ``!``, no newline, no backslash, no inner single quote. It tries interpreters until one
is new enough; the first stage reads exactly the second stage from standard input and runs it
(`workers/agent/boot.py`), which answers with a marker derived from our nonce. Everything before the marker
is noise of the login and kept as a warning.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from dataclasses import dataclass

from console.channels.bundle import Bundle
from console.channels.channel import Channel, Progress
from console.errors import LinkError
from console.sessions import verdict
from workers.protocol.pythons import INTERPRETERS as _INTERPRETERS
from workers.protocol.pythons import LEAST_PYTHON as MINIMUM
from workers.protocol.pythons import NONE_FITS

DEADLINE_S = 15.0
MAX_NOISE_BYTES = 256 * 1024
SLOWEST_BYTES_PER_S = 4096  # of a link over which the bundle is still waited for
FOUND = b"quarterdeck-python"

# No string literal may stand in stage one: both kinds of quotes are taken by the shells around it.
_STAGE_ONE = (
    "import sys,io;"
    f"sys.version_info<({MINIMUM[0]},{MINIMUM[1]}) and "
    "(print(sys.argv[1],sys.version.split()[0],sys.executable),sys.exit(86));"
    "import zlib;"
    "exec(zlib.decompress("
    "io.BufferedReader(io.FileIO(0,closefd=False),1).read(int(sys.argv[2]))))"
)


def command(bundle: Bundle) -> str:
    """The line that is run on the node; the same for all nodes."""
    return (
        "exec /bin/sh -c '"
        f"for p in {' '.join(_INTERPRETERS)}; do "
        'command -v "$p" >/dev/null 2>&1 || continue; '
        f'"$p" -I -S -u -X utf8 -c "{_STAGE_ONE}" {FOUND.decode()} {len(bundle.boot)}; '
        # 86: too old. 1, 2, 126, 127: not a working Python 3 (an agent never ends with these).
        "c=$?; case $c in 1|2|86|126|127) ;; *) exit $c;; esac; "
        f"done; echo {NONE_FITS.decode()}'"
    )


class Silent(LinkError):
    """Nothing at all was heard: a shell that waits, or a connection that was just cut."""


@dataclass(frozen=True)
class Started:
    """An agent that has answered. `rest` are the bytes that came after the marker."""

    rest: bytes
    noise: bytes


async def start_agent(channel: Channel, bundle: Bundle, progress: Progress, then: bytes) -> Started:
    """Starts the agent at the far end of `channel` and sends it `then`.

    Raises LinkError with what is wrong in words: no Python, a shell that does not run our command, a
    deadline; or with the channel's own problem.
    """
    nonce = secrets.token_hex(16).encode()
    header = nonce + bundle.digest.encode() + f"{len(bundle.data):08d}".encode()
    watch = _Watch(channel, b"qd:" + hashlib.sha256(nonce).hexdigest()[:40].encode() + b":")
    try:
        await _within(DEADLINE_S, _offer(channel, bundle.boot + header))
        present = await _within(DEADLINE_S, watch.marker())
        if not present:
            progress(f"sending the agent ({len(bundle.data) // 1024} KiB)")
            patience_s = DEADLINE_S + len(bundle.data) / SLOWEST_BYTES_PER_S
            await _within(patience_s, channel.write(bundle.data))
        await _within(DEADLINE_S, channel.write(then))
    except asyncio.TimeoutError:
        problem = verdict.on_silence(watch.seen, DEADLINE_S)
        raise (LinkError if watch.seen.strip() else Silent)(problem) from None
    return Started(watch.rest, watch.noise)


async def _offer(channel: Channel, data: bytes) -> None:
    try:
        await channel.write(data)
    except LinkError:
        pass  # what the far end said before it ended tells why: it is read next


async def _within(seconds: float, step: object) -> bool:
    return bool(await asyncio.wait_for(step, seconds))  # type: ignore[arg-type]


class _Watch:
    """Reads until the marker stands, or until it is clear that it will not."""

    def __init__(self, channel: Channel, marker: bytes) -> None:
        self._channel = channel
        self._marker = marker
        self.seen = b""
        self.noise = b""
        self.rest = b""

    async def marker(self) -> bool:
        """True where the bundle is there already. Raises LinkError."""
        started = time.monotonic()
        while True:
            at = self.seen.find(self._marker)
            end = at + len(self._marker)
            if at >= 0 and len(self.seen) > end:
                self.noise, self.rest = self.seen[:at], self.seen[end + 1 :]
                return self.seen[end : end + 1] == b"+"
            if at < 0 and len(self.seen) > MAX_NOISE_BYTES:
                raise LinkError(verdict.on_flood(self.seen, time.monotonic() - started))
            data = await self._channel.read()
            if not data:
                raise await self._ended()
            self.seen += data

    async def _ended(self) -> LinkError:
        errors = await self._channel.close()
        if NONE_FITS in self.seen:
            return LinkError(verdict.on_no_python(self.seen, FOUND, MINIMUM))
        return LinkError(verdict.on_end(self.seen, errors))


def noise_text(noise: bytes) -> str:
    """The noise before the marker without our own lines, as text still to be sanitised."""
    lines = [line for line in noise.splitlines() if not line.startswith(FOUND)]
    return b"\n".join(lines).strip()[:400].decode("utf-8", "replace")
