"""Tells a command or a webhook when an alert begins or ends. Never blocks; failures are said, not raised.

The JSON: `{"schema": 1, "event": "begin"|"end", "alert": {"id", "node", "kind", "subject", "text", "key",
"severity", "since", "ended"}}`, times in seconds since the epoch. Of a job that is to be told of although nothing
is wrong: `{"schema": 1, "event": "done", "job": {"name", "node", "run", "text", "ended"}}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from console.errors import SettingsError
from console.fleet.alerts import Alert
from console.fleet.changes import Change, NodeChanged
from console.fleet.store import FleetStore
from console.fleet.workers import WorkerView
from console.operations.bulletin import BulletinBoard
from console.operations.jobs.schedule import NAME as SCHEDULE
from console.operations.redaction import redact
from console.settings.model import NotifySettings, WebhookSettings
from console.settings.values import Secret
from console.text import one_line

SCHEMA = 1
MOST_WAITING = 200
_AT_ONCE = 4


class Notifier:
    """Watches the store's alerts and tells of each beginning and end, in their order."""

    def __init__(
        self,
        settings: NotifySettings,
        store: FleetStore,
        board: BulletinBoard,
        wall: Callable[[], float],
        jobs: Callable[[], Mapping[str, str]] = dict,
        only_jobs: bool = False,
    ) -> None:
        """`jobs`: of which of them is told, by name: never, failed or always. `only_jobs`: of nothing else, as the
        schedule does, which is there when no console is."""
        self._settings = settings
        self._store = store
        self._board = board
        self._wall = wall
        self._jobs = jobs
        self._only_jobs = only_jobs
        self._running: set[str] = set()  # ids of runs of jobs that were seen alive
        self._active: dict[str, Alert] = {}
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_WAITING)
        self._dropped = 0

    def use(self, settings: NotifySettings) -> None:
        """Later alerts are told as these settings say."""
        self._settings = settings

    async def run(self) -> None:
        """Until cancelled."""
        unsubscribe = self._store.subscribe(self._heard)
        tellers = [asyncio.create_task(self._tell_all(), name="notify") for _ in range(_AT_ONCE)]
        try:
            await asyncio.gather(*tellers)
        finally:
            unsubscribe()
            for teller in tellers:
                teller.cancel()

    # ------------------------------------------------------------ hearing

    def _heard(self, change: Change) -> None:
        if isinstance(change, NodeChanged):
            if change.what == "workers":
                self._heard_of_jobs(change.node)
            return
        now = {alert.id: alert for alert in self._store.alerts}
        for alert_id, alert in now.items():
            if alert_id not in self._active:
                self._enqueue("begin", alert, None)
        for alert_id, alert in self._active.items():
            if alert_id not in now:
                self._enqueue("end", alert, self._wall())
        self._active = now

    def _heard_of_jobs(self, node: str) -> None:
        """What was seen alive and is done now; what failed is an alert."""
        for view in self._store.workers_of(node):
            record = view.record
            if record.kind != "job":
                continue
            if view.live:
                self._running.add(record.run_id)
            elif record.run_id in self._running:
                self._running.remove(record.run_id)
                wanted = self._jobs().get(record.name) == "always" and not self._told_elsewhere()
                if record.exit_code == 0 and wanted:
                    self._put({"schema": SCHEMA, "event": "done", "job": _plain_job(view)})

    def _enqueue(self, event: str, alert: Alert, ended: float | None) -> None:
        wanted = self._settings
        how = self._jobs().get(alert.subject) if alert.kind.startswith("worker_") else None
        hushed = how == "never" or (self._told_elsewhere() if how else self._only_jobs)
        if not hushed and (not wanted.kinds or alert.kind in wanted.kinds):
            self._put({"schema": SCHEMA, "event": event, "alert": _plain(alert, ended)})

    def _told_elsewhere(self) -> bool:
        """The schedule tells of jobs while it runs: nobody is told twice."""
        if self._only_jobs:
            return False
        views = (view for node in self._store.nodes for view in self._store.workers_of(node))
        return any(
            view.name == SCHEDULE and view.live and "console.conduct" in view.record.command
            for view in views
        )

    def _put(self, news: dict[str, Any]) -> None:
        if not (self._settings.command or self._settings.webhook):
            return
        try:
            self._queue.put_nowait(news)
        except asyncio.QueueFull:
            self._dropped += 1
            if self._dropped == 1:
                self._say(f"more than {MOST_WAITING} notifications wait; further ones are dropped")

    # ------------------------------------------------------------ telling

    async def _tell_all(self) -> None:
        while True:
            news = await self._queue.get()
            self._dropped = 0
            settings = self._settings
            ways = []
            if settings.command:
                ways.append(self._run_command(settings, news))
            if settings.webhook is not None:
                ways.append(self._post(settings.webhook, news))
            for outcome in await asyncio.gather(*ways, return_exceptions=True):
                if isinstance(outcome, Exception):
                    self._say(f"a notification failed: {type(outcome).__name__}: {outcome}")

    async def _run_command(self, settings: NotifySettings, news: dict[str, Any]) -> None:
        name = settings.command[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *settings.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            self._say(f"the notify command {name} cannot be started: {error.strerror}")
            return
        try:
            _, errors = await asyncio.wait_for(
                process.communicate(json.dumps(news).encode()), settings.timeout_s
            )
        except asyncio.TimeoutError:
            self._say(f"the notify command {name} took longer than {settings.timeout_s:g} s; ended")
            return
        finally:
            await _end(process)
        if process.returncode:
            said = one_line(redact(errors[-500:].decode(errors="replace").strip()), 200)
            self._say(f"the notify command {name} ended with {process.returncode}: {said}")

    async def _post(self, webhook: WebhookSettings, news: dict[str, Any]) -> None:
        fault = await _apart(lambda: _send(webhook, json.dumps(news).encode()))
        if fault:
            self._say(f"the notify webhook failed: {fault}")

    def _say(self, text: str) -> None:
        self._board.post("error", text)


def _plain_job(view: WorkerView) -> dict[str, Any]:
    record = view.record
    said = record.progress.message if record.progress else ""
    return {
        "name": record.name,
        "node": view.node,
        "run": record.run_id,
        "text": one_line(redact(said or "done"), 500),
        "ended": record.ended_at,
    }


def _plain(alert: Alert, ended: float | None) -> dict[str, Any]:
    return {
        "id": alert.id,
        "node": alert.node,
        "kind": alert.kind,
        "subject": alert.subject,
        "text": alert.text,
        "key": alert.key,
        "severity": alert.severity.value,
        "since": alert.since_clock,
        "ended": ended,
    }


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        try:
            process.kill()
        except ProcessLookupError:
            pass
        await process.wait()


async def _apart(call: Callable[[], str]) -> str:
    """The call's text from a thread that nobody waits for at the end: a mute server must not hold us."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def tell(text: str) -> None:
        if not done.done():
            done.set_result(text)

    def run() -> None:
        text = call()
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(tell, text)

    threading.Thread(target=run, name="notify", daemon=True).start()
    return await done


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _send(webhook: WebhookSettings, body: bytes) -> str:
    """One POST; "" when it was taken, otherwise why not, without the address or any secret."""
    try:
        url = webhook.url.resolve() if isinstance(webhook.url, Secret) else webhook.url
        headers = {"Content-Type": "application/json", "User-Agent": "quarterdeck"}
        if webhook.token is not None:
            headers["Authorization"] = f"Bearer {webhook.token.resolve()}"
    except SettingsError as error:
        return str(error)
    if not url.startswith(("https://", "http://")):
        return "its address is neither https:// nor http://"
    try:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - checked above
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=webhook.timeout_s):
            return ""
    except urllib.error.HTTPError as error:
        return f"the server answered {error.code}"
    except urllib.error.URLError as error:
        return one_line(str(getattr(error.reason, "strerror", None) or error.reason), 200)
    except (OSError, ValueError) as error:
        return type(error).__name__  # its text may hold the address
