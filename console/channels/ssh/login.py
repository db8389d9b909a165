"""asyncssh's view of one login: host keys to the policy, questions to the person, words for failures."""

from __future__ import annotations

from collections.abc import Sequence

import asyncssh

from console.channels.channel import Progress
from console.channels.ssh.deadline import Deadline
from console.channels.ssh.endpoint import Endpoint
from console.channels.ssh.failures import (
    ClosedBeforeGreeting,
    handshake_failure,
    problem,
    timed_out,
)
from console.channels.ssh.host_keys import HostKeyPolicy
from console.channels.ssh.keys import Offer
from console.channels.ssh.questions import Questions
from console.fleet.model import Problem, ProblemKind
from console.text import sanitise

GREETING = "connected, but the server did not greet"
KEY_EXCHANGE = "the server greeted, then the key exchange did not finish (a path that drops large packets does this)"
LOGIN = "the login was not finished"
_LONGEST_BANNER = 2000


class Login(asyncssh.SSHClient):
    """The owner of one connection while it logs in."""

    def __init__(
        self,
        endpoint: Endpoint,
        policy: HostKeyPolicy,
        questions: Questions,
        offer: Offer,
        deadline: Deadline,
        progress: Progress,
        greeting_timeout_s: float,
        login_timeout_s: float,
    ) -> None:
        self._endpoint = endpoint
        self._policy = policy
        self._questions = questions
        self._offer = offer
        self._deadline = deadline
        self._progress = progress
        self._greeting_timeout_s = greeting_timeout_s
        self._login_timeout_s = login_timeout_s
        self._connection: asyncssh.SSHClientConnection | None = None
        self._wanted: dict[str, None] = {}
        self._banner = ""

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn
        self._deadline.arm(GREETING, self._greeting_timeout_s)

    def begin_auth(self, username: str) -> None:
        self._deadline.arm(LOGIN, self._login_timeout_s)
        self._progress("authenticating")

    def auth_completed(self) -> None:
        self._deadline.disarm()

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self._banner = sanitise((self._banner + msg)[:_LONGEST_BANNER])

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        return self._policy.accepts(key)

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        return self._policy.accepts_authority(key)

    def public_key_auth_requested(self) -> None:
        """All keys have been offered."""
        self._note_methods()

    async def password_auth_requested(self) -> str | None:
        self._note_methods()
        return await self._questions.password()

    def kbdint_auth_requested(self) -> str | None:
        self._note_methods()
        return "" if self._questions.begin_answers() else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        return await self._questions.answers(name, instructions, prompts)

    @property
    def started(self) -> bool:
        """True once there is a connection to speak on."""
        return self._connection is not None

    @property
    def greeted(self) -> bool:
        """True once the server said its version."""
        connection = self._connection
        return connection is not None and bool(connection.get_extra_info("server_version"))

    def explain(self, exc: BaseException) -> Problem:
        """Why this login failed. Raises ClosedBeforeGreeting where that is the reason."""
        place = self._endpoint.words
        if self._deadline.expired is not None:
            stage, seconds = self._deadline.expired
            late = KEY_EXCHANGE if stage == GREETING and self.greeted else stage
            return timed_out(place, late, seconds)
        if isinstance(exc, asyncssh.HostKeyNotVerifiable):
            return self._policy.explain(exc)
        if isinstance(exc, asyncssh.PermissionDenied) or _too_many(exc):
            return self._denied(exc)
        ended = isinstance(exc, (asyncssh.ConnectionLost, ConnectionResetError, BrokenPipeError))
        if ended and self._connection is not None and not self.greeted:
            raise ClosedBeforeGreeting
        return handshake_failure(place, exc)

    def _note_methods(self) -> None:
        if self._connection is not None:
            self._wanted.update(dict.fromkeys(self._connection.get_server_auth_methods()))

    def _denied(self, exc: BaseException) -> Problem:
        number = len({pair.key_public_data for pair in self._offer.pairs})
        keys = "1 key was" if number == 1 else f"{number} keys were"
        words = [f"{self._endpoint.words}: authentication failed for {self._endpoint.user}"]
        if _too_many(exc):
            words.append(f"the server allows no more tries ({keys} offered)")
            remedy = "Name the one right key: `identity` in the settings, or IdentitiesOnly yes."
        else:
            wanted = ", ".join(name for name in self._wanted if name != "none")
            words.append(f"it accepts {wanted}; {keys} offered" if wanted else f"{keys} offered")
            remedy = self._advice()
        words += [*self._offer.notes, *self._questions.notes]
        if self._banner.strip():
            words.append(f"it says: {' '.join(self._banner.split())}")
        return problem(ProblemKind.AUTHENTICATION, "; ".join(words), remedy)

    def _advice(self) -> str:
        asks = {"password", "keyboard-interactive"} & set(self._wanted)
        if self._questions.declined:
            return "No answer was given; retry when you can answer."
        if self._questions.asked:
            return "The answer was not accepted; retry to be asked again."
        if asks and set(self._wanted) <= {"password", "keyboard-interactive", "none"}:
            return (
                "It wants a password or code: open it on the screen or in a terminal to be asked."
            )
        return "Put the right key into `identity`, or your public key into authorized_keys there."


def _too_many(exc: BaseException) -> bool:
    reason = exc.reason.lower() if isinstance(exc, asyncssh.DisconnectError) else ""
    return "too many authentication" in reason
