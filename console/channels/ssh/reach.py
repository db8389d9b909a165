"""A byte stream to a host's SSH port: by TCP, or through a ProxyCommand."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import AsyncExitStack
from functools import partial

from console.channels.ssh.endpoint import Endpoint
from console.channels.ssh.failures import connect_failure, name_failure, problem, timed_out
from console.channels.ssh.threads import Threads
from console.errors import LinkError
from console.fleet.model import ProblemKind
from console.text import one_line

_LEAST_PER_ADDRESS_S = 1.0
_PROXY_WORDS = 2000  # of what a ProxyCommand said, the last

Address = tuple[int, tuple[object, ...]]


async def connect_tcp(endpoint: Endpoint, threads: Threads, timeout_s: float) -> socket.socket:
    """A connected socket; each address of the name is tried. Raises LinkError."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    addresses = await _look_up(endpoint, threads, timeout_s)
    failure: LinkError | None = None
    for position, (family, address) in enumerate(addresses):
        left = end - loop.time()
        share = max(_LEAST_PER_ADDRESS_S, left / (len(addresses) - position))
        try:
            return await _connect(endpoint, family, address, share)
        except asyncio.TimeoutError:
            failure = failure or LinkError(timed_out(endpoint.words, "no answer", timeout_s))
        except OSError as exc:
            failure = failure or LinkError(connect_failure(endpoint.words, exc))
    assert failure is not None, "getaddrinfo gives an address or raises"
    raise failure


async def _look_up(endpoint: Endpoint, threads: Threads, timeout_s: float) -> list[Address]:
    call = partial(
        socket.getaddrinfo, endpoint.host, endpoint.port, endpoint.family, socket.SOCK_STREAM
    )
    try:
        found = await asyncio.wait_for(threads.run(call), timeout_s)
    except asyncio.TimeoutError:
        words = f"{endpoint.host}: the name server does not answer"
        raise LinkError(problem(ProblemKind.NAME_UNKNOWN, words, "Look at DNS here.")) from None
    except (OSError, UnicodeError) as exc:
        failure = exc if isinstance(exc, OSError) else OSError(str(exc))
        raise LinkError(name_failure(endpoint.host, failure)) from exc
    return [(family, address) for family, _, _, _, address in found]


async def _connect(
    endpoint: Endpoint, family: int, address: tuple[object, ...], timeout_s: float
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if endpoint.bind_address:
            sock.bind((endpoint.bind_address, 0))
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, address), timeout_s)
    except BaseException:
        sock.close()
        raise
    return sock


class ProxyProcess:
    """A running ProxyCommand: our end of its standard input and output, and what it complains of."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._tail = b""
        self._reader = asyncio.create_task(self._read())

    @property
    def words(self) -> str:
        """The last it said on standard error, on one line."""
        return one_line(self._tail.decode("utf-8", "replace").strip())

    async def _read(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(4096):
            self._tail = (self._tail + data)[-_PROXY_WORDS:]

    async def end(self) -> None:
        """Ends it and waits."""
        if self._process.returncode is None:
            try:
                self._process.send_signal(signal.SIGKILL)
            except ProcessLookupError:
                pass
        await self._process.wait()
        self._reader.cancel()


async def connect_proxy(
    endpoint: Endpoint, stack: AsyncExitStack
) -> tuple[socket.socket, ProxyProcess]:
    """Starts the ProxyCommand, without a shell; it ends with `stack`. Raises LinkError."""
    ours, theirs = socket.socketpair()
    try:
        process = await asyncio.create_subprocess_exec(
            *endpoint.proxy_command,
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as exc:
        ours.close()
        words = f"ProxyCommand {endpoint.proxy_command[0]}: {exc.strerror or exc}"
        raise LinkError(problem(ProblemKind.CONFIGURATION, words)) from exc
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    proxy = ProxyProcess(process)
    stack.push_async_callback(proxy.end)
    return ours, proxy
