"""Passwords and one-time codes: one question at a time, with a deadline, never answered twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh

from console.channels.prompt import PromptKind
from console.fleet.model import NodeSpec, ProblemKind
from tests.keys import generate_key, public_line
from tests.ssh.world import Person, World


class Codes(asyncssh.SSHServer):
    """Wants a password and a code that is good once."""

    spent: set[str] = set()
    tries: list[list[str]] = []

    def begin_auth(self, username: str) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "Login\x1b[31m", "of the lab", "", [("Password: ", False), ("Code: ", True)]

    def validate_kbdint_response(self, username: str, responses: list[str]) -> bool:
        self.tries.append(list(responses))
        password, code = responses
        good = password == "secret" and code.startswith("1") and code not in self.spent
        self.spent.add(code)
        return good


class Passwords(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == "secret"


@asynccontextmanager
async def server(
    world: World, folder: Path, kind: Callable[[], asyncssh.SSHServer]
) -> AsyncIterator[NodeSpec]:
    key = generate_key(folder / "server_key")
    Codes.spent, Codes.tries = set(), []

    async def echo(process: asyncssh.SSHServerProcess[str]) -> None:
        process.stdout.write(f"ran {process.command}\n")
        process.exit(0)

    acceptor = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=kind, server_host_keys=[str(key)], process_factory=echo
    )
    port = acceptor.get_port()
    with world.known_hosts.open("a") as file:
        file.write(f"[127.0.0.1]:{port} {public_line(key)}\n")
    yield NodeSpec("lab", address="127.0.0.1", port=port, user="ann")
    acceptor.close()
    await acceptor.wait_closed()


async def test_a_password_and_a_code_are_asked_and_let_in(world: World, tmp_path: Path) -> None:
    person = Person(["secret", "100"])
    async with server(world, tmp_path, Codes) as spec, world.network(person) as network:
        assert await world.output(network, spec, "hello") == "ran hello\n"
    assert [(prompt.kind, prompt.echo) for prompt in person.prompts] == [
        (PromptKind.PASSWORD, False),
        (PromptKind.CODE, True),
    ]
    assert person.prompts[0].node == "lab"
    assert person.prompts[0].text == "Login␛[31m · of the lab · Password:"
    assert "waiting for an answer" in world.steps


async def test_a_code_is_never_sent_twice(world: World, tmp_path: Path) -> None:
    person = Person(["secret", "100", "secret", "200", "secret", "101"])
    async with server(world, tmp_path, Codes) as spec, world.network(person) as network:
        assert await world.output(network, spec, "one") == "ran one\n"
        assert await world.output(network, spec, "two") == "ran two\n"
    assert Codes.tries == [["secret", "100"], ["secret", "200"], ["secret", "101"]]


async def test_a_wrong_password_is_asked_anew_and_then_needs_a_person(
    world: World, tmp_path: Path
) -> None:
    person = Person(["wrong", "secret"])
    async with server(world, tmp_path, Passwords) as spec, world.network(person) as network:
        assert await world.output(network, spec, "x") == "ran x\n"
        assert "did not take that" in person.prompts[1].title
        person.answers = ["a", "b", "c", "d", "e"]
        problem = await world.problem(network, spec)
    assert problem.kind is ProblemKind.AUTHENTICATION
    assert problem.sticky
    assert len(person.prompts) == 5
    assert "password" in problem.text


async def test_with_nobody_to_ask_the_wanted_methods_are_named(
    world: World, tmp_path: Path
) -> None:
    async with server(world, tmp_path, Codes) as spec, world.network() as network:
        problem = await world.problem(network, spec)
    assert problem.kind is ProblemKind.AUTHENTICATION
    assert "it accepts keyboard-interactive" in problem.text
    assert "to be asked" in problem.remedy


async def test_a_question_nobody_answers_ends_at_its_deadline(world: World, tmp_path: Path) -> None:
    person = Person(["secret"], delay_s=60)
    async with (
        server(world, tmp_path, Passwords) as spec,
        world.network(person, prompt_timeout_s=0.3) as network,
    ):
        problem = await world.problem(network, spec)
    assert problem.kind is ProblemKind.AUTHENTICATION
    assert "No answer" in problem.remedy
    assert person.open == 0


async def test_only_one_question_is_open_at_a_time_and_none_holds_up_other_nodes(
    world: World, tmp_path: Path
) -> None:
    person = Person(["secret", "secret", "secret"], delay_s=0.2)
    # One place for handshakes: a waiting person must not keep it.
    async with (
        server(world, tmp_path, Passwords) as spec,
        world.network(person, max_handshakes=1) as network,
    ):
        done = await asyncio.gather(*(world.output(network, spec, str(n)) for n in range(3)))
    assert done == ["ran 0\n", "ran 1\n", "ran 2\n"]
    assert person.most_open == 1


async def test_a_login_slower_than_its_deadline_may_wait_for_a_person(
    world: World, tmp_path: Path
) -> None:
    person = Person(["secret"], delay_s=0.8)
    async with (
        server(world, tmp_path, Passwords) as spec,
        world.network(person, login_timeout_s=0.4) as network,
    ):
        assert await world.output(network, spec, "x") == "ran x\n"


async def test_a_cancelled_dial_takes_its_question_back(world: World, tmp_path: Path) -> None:
    person = Person(["secret"], delay_s=60)
    async with server(world, tmp_path, Passwords) as spec, world.network(person) as network:
        dial = asyncio.create_task(world.dial(network, spec))
        while not person.open:
            await asyncio.sleep(0.02)
        dial.cancel()
        await asyncio.wait({dial})
        assert person.open == 0
        person.delay_s, person.answers = 0, ["secret"]
        assert await world.output(network, spec, "x") == "ran x\n"
