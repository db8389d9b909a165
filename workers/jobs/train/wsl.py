"""The way into a distribution of WSL: one `wsl.exe -d DISTRO -- sh`, and our own program behind it.

Words of that command line pass through a shell on the other side, so there are none that one could take for
something else: the program, its orders and all files go over standard input.
"""

import os
import shlex
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.resources import files as resources
from typing import Any

from workers.harness import Misconfigured, WorkerError
from workers.jobs.train import files
from workers.jobs.train.frames import receive, send
from workers.jobs.train.side import Piece
from workers.jobs.train.tree import Entry, Tree

PROGRAM = "wsl.exe"
_MODULES = ("tree", "files", "place", "frames", "serving")  # in the order they need each other
_READY = b"quarterdeck-ready"
_NOISE_BYTES = 64 * 1024  # what a login shell may say first
_CLOSE_S = 10.0
_LOOK_EVERY_S = 0.1


def command(distro: str) -> tuple[str, ...]:
    """The argument list that opens the way. Raises Misconfigured for no name of a distribution."""
    if not distro or distro.startswith("-") or not all(c.isalnum() or c in "._-" for c in distro):
        raise Misconfigured(
            f"wsl_distro: {distro!r} is no name of a distribution; `wsl -l -v` lists them"
        )
    return (PROGRAM, "-d", distro, "--", "sh")


class Wsl:
    """Raises Misconfigured where there is no such distribution, or no Python in it."""

    def __init__(self, distro: str) -> None:
        self.name = distro
        self._words: deque[str] = deque(maxlen=20)
        try:
            self._process = subprocess.Popen(
                command(distro), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env={**os.environ, "WSL_UTF8": "1"},
            )  # fmt: skip
        except OSError as error:
            raise Misconfigured(
                f"{PROGRAM}: {error.strerror}: mode wsl_sync needs Windows with WSL; "
                "`quarterdeck mode set standard` trains in place"
            ) from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._pipe = threading.Thread(target=self._pass_on, name="wsl-output", daemon=True)
        self._pipe.start()
        self._open()

    # ------------------------------------------------------------ Side

    def probe(
        self, fast: str, source: str, asked: Mapping[str, str], pythons: Sequence[str]
    ) -> dict[str, Any]:
        return self._ask("probe", fast=fast, source=source, asked=dict(asked), pythons=[*pythons])

    def walk(self, root: str) -> Tree:
        found = self._ask("walk", root=root)
        entries = {name: Entry(*entry) for name, entry in found["files"].items()}
        return Tree(entries, found["links"], tuple(found["odd"]))

    def copy(
        self,
        source: str,
        target: str,
        entries: Mapping[str, Entry],
        told: files.Told,
        durable: bool,
    ) -> list[str]:
        self._send("copy", source=source, target=target, entries=dict(entries), durable=durable)
        while "over" not in (said := self._reply()[0]):
            told(said["done"], said["bytes"])
        return list(said["changed"])

    def pieces(self, root: str, entries: Mapping[str, Entry]) -> Iterator[Piece]:
        self._send("get", root=root, entries=dict(entries))
        while True:
            said, data = self._reply()
            if "over" in said:
                return
            name, entry = said["name"], said["entry"]
            if name not in entries:
                raise WorkerError(f"{self.name} sent {name!r}, which nobody asked for")
            yield name, None if entry is None else Entry(*entry), data, bool(said["more"])

    def put(self, root: str, pieces: Iterable[Piece], told: files.Told, durable: bool) -> list[str]:
        changed = []
        for name, entry, data, more in pieces:
            if entry is None:
                changed.append(name)
                self._ask("settle")
                continue
            self._send("put", data, root=root, name=name, entry=entry, more=more, durable=durable)
            told(0 if more else 1, len(data))
        self._ask("settle")
        return changed

    def link(self, root: str, links: Mapping[str, str]) -> None:
        self._ask("link", root=root, links=dict(links))

    def remove(self, root: str, names: Sequence[str]) -> None:
        self._ask("remove", root=root, names=[*names])

    def digests(self, root: str, names: Sequence[str]) -> dict[str, str]:
        return dict(self._ask("digests", root=root, names=[*names])["digests"])

    def adopt(self, staging: str, root: str, names: Sequence[str]) -> None:
        self._ask("adopt", staging=staging, root=root, names=[*names])

    def discard(self, root: str) -> None:
        self._ask("discard", root=root)

    def run(self, argv: Sequence[str], directory: str, ending: Callable[[], float | None]) -> int:
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ending, over), daemon=True)
        self._send("run", argv=[*argv], directory=directory, environment={})
        watcher.start()
        code: int | None = None
        started = False
        try:
            while code is None or not started:
                said, _ = self._reply()
                started = started or "pid" in said
                code = said.get("ended", code)
        finally:
            over.set()
            watcher.join()
        return code if code >= 0 else 128 - code

    def close(self) -> None:
        """What runs over there is ended, and so is the way."""
        try:
            self._in.close()
        except OSError:
            pass
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe.join(1.0)
        self._out.close()

    # ------------------------------------------------------------ the pipe

    def _open(self) -> None:
        program = _program()
        boot = (
            "import sys;o=sys.stdout.buffer;"
            "sys.version_info>=(3,10) or sys.exit('python3 is older than 3.10 there');"
            f"o.write({_READY + chr(10).encode()!r});o.flush();"
            f"exec(compile(sys.stdin.buffer.read({len(program)}),'quarterdeck','exec'))"
        )
        try:
            # Not before it answers: a shell reads more than its line, and would keep it.
            self._in.write(f"exec python3 -I -u -c {shlex.quote(boot)}\n".encode())
            self._in.flush()
            self._until_ready()
            self._in.write(program)
            self._in.flush()
        except (OSError, EOFError) as error:
            self.close()
            words = str(error) if isinstance(error, EOFError) else ""
            said = " ".join((words, *self._words)).strip()
            raise Misconfigured(
                f"{shlex.join(command(self.name))}: {said or 'no answer'}"
            ) from None

    def _until_ready(self) -> None:
        noise = b""
        while len(noise) < _NOISE_BYTES:
            line = self._out.readline()
            if line.strip() == _READY:
                return
            noise += line
            if not line:
                break
        raise EOFError(_text(noise))

    def _ask(self, do: str, **fields: Any) -> dict[str, Any]:
        self._send(do, **fields)
        return self._reply()[0]

    def _send(self, do: str, data: bytes = b"", **fields: Any) -> None:
        try:
            send(self._in, {"do": do, **fields}, data)
            if do != "put":
                self._in.flush()
        except OSError:
            raise self._gone() from None

    def _reply(self) -> tuple[dict[str, Any], bytes]:
        found = receive(self._out)
        if found is None:
            raise self._gone()
        if "error" in found[0]:
            number = found[0].get("errno")
            text = f"{self.name}: {found[0]['error']}"
            raise OSError(number, text) if number else WorkerError(text)
        return found

    def _gone(self) -> WorkerError:
        self._process.poll()
        return WorkerError(
            f"{PROGRAM} ended while it was needed: {' '.join(self._words) or 'no word'}"
        )

    def _watch(self, ending: Callable[[], float | None], over: threading.Event) -> None:
        while (left_s := ending()) is None:
            if over.wait(_LOOK_EVERY_S):
                return
        self._send("stop", force=False)
        if not over.wait(left_s):
            self._send("stop", force=True)

    def _pass_on(self) -> None:
        """What the other side says goes into our log; its last words are kept for an error."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            text = _text(line)
            self._words.append(text.strip())
            sys.stderr.write(text)
            sys.stderr.flush()


def _text(data: bytes) -> str:
    """wsl.exe itself speaks UTF-16, what runs in it UTF-8."""
    return data.decode("utf-16-le" if b"\0" in data else "utf-8", errors="replace")


def _program() -> bytes:
    """Our modules as one text: each becomes a module under its own name over there."""
    folder = resources("workers.jobs.train")
    modules = tuple(
        (f"workers.jobs.train.{name}", (folder / f"{name}.py").read_text(encoding="utf-8"))
        for name in _MODULES
    )
    return (
        "import sys\n"
        f"for n, s in {modules!r}:\n"
        "    m = sys.modules[n] = type(sys)(n)\n"
        "    exec(compile(s, n, 'exec'), m.__dict__)\n"
        "m.main()\n"
    ).encode()
