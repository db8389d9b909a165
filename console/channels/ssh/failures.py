"""Every error of the network, of asyncssh and of the system, in words that differ.

Texts of servers are sanitised here, before they can reach a screen.
"""

from __future__ import annotations

import errno
import socket
from asyncio import TimeoutError as AsyncTimeoutError

import asyncssh

from console.errors import LinkError
from console.fleet.model import HostKey, Problem, ProblemKind
from console.text import one_line

_UNREACHABLE = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
)
_OPEN_REFUSED = (
    "The node's sshd refuses sessions; look at MaxSessions and at forced commands there."
)


class ClosedBeforeGreeting(Exception):
    """The server took the connection and closed it before it said a word."""


def problem(
    kind: ProblemKind, text: str, remedy: str = "", host_key: HostKey | None = None
) -> Problem:
    """A Problem whose texts fit one line each and hold nothing a terminal obeys."""
    return Problem(kind, one_line(text, 600), one_line(remedy, 600), host_key)


def through(bastion: str, inner: Problem) -> Problem:
    """The same problem, said of the bastion in the way."""
    return Problem(inner.kind, f"bastion {bastion}: {inner.text}", inner.remedy, inner.host_key)


def throttled(place: str) -> Problem:
    """sshd drops connections unheard when there are too many, or after failed logins."""
    return problem(
        ProblemKind.THROTTLED,
        f"{place}: the server closed the connection before its greeting",
        "It limits connections (MaxStartups, PerSourcePenalties) or is starting; wait a minute.",
    )


def still_throttled(place: str, seconds: float) -> Problem:
    """No new try so soon: each would be held against us."""
    return problem(
        ProblemKind.THROTTLED,
        f"{place}: the server closed connections before its greeting; not tried for another {seconds:.0f} s",
        "Retry by hand if you know that it is ready.",
    )


def timed_out(place: str, stage: str, seconds: float) -> Problem:
    """`stage` says what had been reached."""
    return problem(ProblemKind.TIMED_OUT, f"{place}: {stage} within {seconds:g} s")


def name_failure(host: str, exc: OSError) -> Problem:
    """The name server's answer, or that it gave none."""
    if isinstance(exc, socket.gaierror) and exc.errno == socket.EAI_AGAIN:
        return problem(
            ProblemKind.NAME_UNKNOWN,
            f"{host}: the name server does not answer",
            "Look at DNS here.",
        )
    return problem(
        ProblemKind.NAME_UNKNOWN,
        f"{host}: no such host name",
        "Correct its address in the settings or in ~/.ssh/config.",
    )


def connect_failure(place: str, exc: OSError) -> Problem:
    """Why no TCP connection came about."""
    if isinstance(exc, ConnectionRefusedError):
        return problem(
            ProblemKind.REFUSED,
            f"{place}: connection refused",
            "Is sshd running there, on this port?",
        )
    if exc.errno == errno.ETIMEDOUT:
        return problem(ProblemKind.TIMED_OUT, f"{place}: no answer")
    words = exc.strerror or str(exc)
    kind = ProblemKind.UNREACHABLE
    if exc.errno in _UNREACHABLE:
        return problem(kind, f"{place}: no way to it ({words.lower()})")
    return problem(kind, f"{place}: cannot connect ({words})")


def handshake_failure(place: str, exc: BaseException) -> Problem:
    """Why the SSH handshake ended, authentication and host keys apart (`login.py` knows those)."""
    if isinstance(exc, LinkError):
        return exc.problem
    if isinstance(exc, asyncssh.KeyExchangeFailed):
        return problem(
            ProblemKind.CONFIGURATION,
            f"{place}: no common algorithm ({exc.reason})",
            "An old server: set ssh.allow_legacy, or name the algorithms in ~/.ssh/config.",
        )
    if isinstance(exc, asyncssh.ProtocolNotSupported):
        return problem(ProblemKind.CONFIGURATION, f"{place}: not an SSH 2 server")
    if isinstance(exc, asyncssh.ConnectionLost):
        return problem(ProblemKind.LOST, f"{place}: the connection ended during the login")
    if isinstance(exc, asyncssh.Error):
        return problem(ProblemKind.LOST, f"{place}: the server ended the login: {exc.reason}")
    if isinstance(exc, (AsyncTimeoutError, TimeoutError)):
        return problem(ProblemKind.TIMED_OUT, f"{place}: no answer")
    if isinstance(exc, OSError):
        return problem(ProblemKind.LOST, f"{place}: the connection broke ({exc.strerror or exc})")
    return problem(ProblemKind.LOST, f"{place}: the server spoke no proper SSH ({exc})")


def tunnel_failure(bastion: str, place: str, exc: asyncssh.ChannelOpenError) -> Problem:
    """The bastion stands, but does not lead on."""
    if exc.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return problem(
            ProblemKind.CONFIGURATION,
            f"bastion {bastion} forbids the way to {place}: {exc.reason}",
            "Allow forwarding there (AllowTcpForwarding, PermitOpen).",
        )
    return problem(ProblemKind.UNREACHABLE, f"bastion {bastion} cannot reach {place}: {exc.reason}")


def session_failure(place: str, exc: BaseException) -> Problem:
    """Logged in, but no command can be run."""
    if isinstance(exc, asyncssh.ChannelOpenError):
        prohibited = exc.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
        kind = ProblemKind.SHELL if prohibited else ProblemKind.REFUSED
        return problem(kind, f"{place}: the server opens no session: {exc.reason}", _OPEN_REFUSED)
    return lost(place, exc)


def lost(place: str, exc: BaseException | None) -> Problem:
    """The connection that stood is gone."""
    words = "connection lost"
    if isinstance(exc, asyncssh.Error):
        words = exc.reason.lower() if isinstance(exc, asyncssh.ConnectionLost) else exc.reason
    elif isinstance(exc, OSError):
        words = (exc.strerror or str(exc)).lower()
    return problem(ProblemKind.LOST, f"{place}: {words}")
