"""Alerts told to a real command and to a real web server on loopback; secrets stay out of everything said."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from console.fleet.alerts import Alert
from console.fleet.events import ClockTicked, LinkLost, NodeAdded, NodeRemoved
from console.fleet.model import NodeSpec, Problem, ProblemKind
from console.fleet.store import FleetStore
from console.operations import notify
from console.operations.bulletin import BulletinBoard
from console.operations.notify import Notifier
from console.settings.model import NotifySettings
from tests.runtimes import until

CANARY = "hunter2canary"


class World:
    """A store whose nodes fall over on request, and the notifier that tells of it."""

    def __init__(self) -> None:
        self.store = FleetStore()
        self.board = BulletinBoard(time.time)
        self.notifier = Notifier(NotifySettings(), self.store, self.board, time.time)

    def use(self, **settings: Any) -> None:
        self.notifier.use(NotifySettings.model_validate(settings))

    def fail(self, name: str) -> Alert:
        at = self.store.now + 1
        self.store.apply(NodeAdded(name, at, NodeSpec(name)))
        problem = Problem(ProblemKind.AUTHENTICATION, f"{name}: authentication failed")
        self.store.apply(LinkLost(name, at, problem, 1, None))
        self.store.apply(ClockTicked(at, 1_790_000_000.0))
        return next(alert for alert in self.store.alerts if alert.node == name)

    def end(self, name: str) -> None:
        self.store.apply(NodeRemoved(name, self.store.now + 1))

    @property
    def said(self) -> str:
        return "\n".join(bulletin.text for bulletin in self.board.recent)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    running = asyncio.create_task(made.notifier.run())
    await asyncio.sleep(0)
    yield made
    running.cancel()
    await asyncio.wait([running])


class Server:
    """A web server on loopback that keeps what it is given, and answers what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.status = 204
        self.location = ""
        self.hold = threading.Event()
        self.hold.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.hold.wait(10)
                outer.got.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def script(folder: Path, text: str) -> str:
    path = folder / "command"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


# ---------------------------------------------------------------- the command


async def test_a_command_is_told_of_the_beginning_and_the_end(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    odd = '$(touch pwned); `id` "two words"'
    world.use(command=[script(tmp_path, f'cat >> {out}; echo "$1" >> {out}.args'), odd])
    alert = world.fail("gpu-1")
    await until(lambda: out.exists() and out.read_text())
    begin = json.loads(out.read_text())
    assert (begin["schema"], begin["event"]) == (1, "begin")
    assert begin["alert"] == {
        "id": alert.id,
        "node": "gpu-1",
        "kind": "node_attention",
        "subject": "",
        "text": alert.text,
        "key": alert.key,
        "severity": alert.severity.value,
        "since": alert.since_clock,
        "ended": None,
    }
    await until(lambda: Path(f"{out}.args").exists())
    assert Path(f"{out}.args").read_text() == odd + "\n"
    out.unlink()
    world.end("gpu-1")
    await until(lambda: out.exists() and out.read_text())
    end = json.loads(out.read_text())
    assert (end["event"], end["alert"]["id"]) == ("end", alert.id)
    assert end["alert"]["ended"] > 0
    assert world.said == ""


async def test_only_the_wanted_kinds_are_told(world: World, server: Server) -> None:
    world.use(webhook={"url": server.url}, kinds=["memory"])
    world.fail("a")
    world.use(webhook={"url": server.url}, kinds=["node_attention"])
    world.fail("b")
    await until(lambda: server.got)
    assert [body["alert"]["node"] for _, _, body in server.got] == ["b"]


async def test_a_command_that_fails_is_said_with_its_words(world: World, tmp_path: Path) -> None:
    world.use(command=[script(tmp_path, f"echo 'no display, password={CANARY}' >&2; exit 3")])
    world.fail("a")
    await until(lambda: world.said)
    assert "ended with 3: no display" in world.said
    assert CANARY not in world.said


async def test_a_command_that_is_not_there(world: World) -> None:
    world.use(command=["/nowhere/at/all"])
    world.fail("a")
    await until(lambda: "cannot be started: No such file" in world.said)


async def test_a_command_that_hangs_is_ended(world: World, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    world.use(command=[script(tmp_path, f"echo $$ > {pid}; exec sleep 300")], timeout_s="300ms")
    world.fail("a")
    await until(lambda: "took longer than 0.3 s" in world.said)
    await until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())


# ---------------------------------------------------------------- the webhook


@pytest.mark.parametrize("source", ["from_env", "from_file"])
async def test_a_webhook_with_secrets_by_reference(
    world: World, server: Server, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"url": f"{server.url}/{CANARY}-path", "token": f"{CANARY}-token"}
    references = {}
    for name, value in values.items():
        monkeypatch.setenv(f"SECRET_{name}", value)
        (tmp_path / name).write_text(value + "\n")
        found = f"SECRET_{name}" if source == "from_env" else str(tmp_path / name)
        references[name] = {source: found}
    world.use(webhook=references)
    world.fail("gpu-1")
    await until(lambda: server.got)
    path, headers, body = server.got[0]
    assert path == f"/{CANARY}-path"
    assert headers["Authorization"] == f"Bearer {CANARY}-token"
    assert headers["Content-Type"] == "application/json"
    assert body["alert"]["node"] == "gpu-1"
    server.status = 500
    world.fail("gpu-2")
    await until(lambda: "the server answered 500" in world.said)
    server.close()
    world.fail("gpu-3")
    await until(lambda: "refused" in world.said)
    assert CANARY not in world.said
    assert CANARY not in repr(NotifySettings.model_validate({"webhook": references}))


async def test_a_secret_that_is_not_there_is_named_by_its_reference(
    world: World, server: Server
) -> None:
    world.use(webhook={"url": server.url, "token": {"from_env": "NOT_SET_AT_ALL"}})
    world.fail("a")
    await until(lambda: "NOT_SET_AT_ALL is not set" in world.said)
    assert not server.got


async def test_a_redirect_does_not_carry_the_token_elsewhere(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", CANARY)
    server.status, server.location = 302, f"{server.url}/elsewhere"
    world.use(webhook={"url": f"{server.url}/first", "token": {"from_env": "HOOK_TOKEN"}})
    world.fail("a")
    await until(lambda: "answered 302" in world.said)
    assert [path for path, _, _ in server.got] == ["/first"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x", "HTTP+unix://x", "/etc/passwd"])
async def test_a_referenced_address_must_be_of_the_web(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_URL", url)
    world.use(webhook={"url": {"from_env": "HOOK_URL"}})
    world.fail("a")
    await until(lambda: "neither https:// nor http://" in world.said)


async def test_a_mute_server_holds_nothing_up_and_the_rest_is_bounded(
    world: World, server: Server
) -> None:
    server.hold.clear()
    world.use(webhook={"url": server.url, "timeout_s": "5s"})
    for number in range(notify.MOST_WAITING + 20):
        world.fail(f"n{number}")
    assert "further ones are dropped" in world.said
    assert world.said.count("dropped") == 1
    server.hold.set()
    await until(lambda: len(server.got) >= notify.MOST_WAITING)


async def test_alerts_that_were_there_before_are_told_once() -> None:
    world = World()
    world.fail("a")
    told: list[Any] = []
    world.notifier._enqueue = lambda *news: told.append(news)  # type: ignore[assignment,method-assign]
    running = asyncio.create_task(world.notifier.run())
    await until(lambda: told)
    world.fail("a")
    running.cancel()
    await asyncio.wait([running])
    assert len(told) == 1
