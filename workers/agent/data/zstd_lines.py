"""Lines of zstd data, where the node has a zstd module or the program."""

import importlib
import os
from typing import IO, Any, Callable, List, Optional, Tuple, Type

from workers.agent.data.entry import Entry
from workers.agent.data.lines import close_entry, newlines
from workers.agent.data.outcome import ShouldStop, Stopped, Uncountable

_PIECE_BYTES = 256 * 1024
_POLL_S = 0.2  # how soon a stop is noticed while the program is silent
_FOLDED_BYTES = 2048  # at a time: a hostile byte unfolds to 32 KiB
_LACKING = "zstd data, and this node has neither the zstd program nor a Python module for it"


def count_zstd(descriptor: int, start: Entry, should_stop: ShouldStop) -> Entry:
    """The entry of a zstd file, read from its start. Raises Uncountable, Stopped, OSError."""
    start = start._replace(base=0, offset=0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    unfold = _module()
    if unfold is not None:
        return _by_module(unfold, descriptor, start, should_stop)
    program = _program()
    if program is None:
        raise Uncountable(_LACKING)
    return _by_program(program, descriptor, start, should_stop)


def _module() -> Optional[Callable[[IO[bytes]], Any]]:
    """What makes a readable file of a zstd file: of Python 3.14, or of the package zstandard."""
    try:
        return importlib.import_module("compression.zstd").ZstdFile  # type: ignore[no-any-return]
    except ImportError:
        pass
    try:
        module = importlib.import_module("zstandard")
    except ImportError:
        return None
    return lambda file: _Frames(module, file)


class _Frames:
    """Frame after frame by the package zstandard, whose own reader takes a file that ends early for a whole one."""

    def __init__(self, module: Any, file: IO[bytes]) -> None:
        self._begin = module.ZstdDecompressor().decompressobj
        self._file = file
        self._frame: Any = None

    def read(self, _: int) -> bytes:
        """What the next bytes unfold to; b"" at the end. Raises EOFError where that is within a frame."""
        while True:
            rest = self._frame.unused_data if self._frame is not None and self._frame.eof else b""
            data = rest or self._file.read(_FOLDED_BYTES)
            if not data:
                if self._frame is None or self._frame.eof:
                    return b""
                raise EOFError("it ends within a frame")
            if self._frame is None or self._frame.eof:
                self._frame = self._begin()
            unfolded = bytes(self._frame.decompress(data))
            if unfolded:
                return unfolded


def _program() -> Optional[str]:
    import shutil

    return shutil.which("zstd")


def _by_module(
    unfold: Callable[[IO[bytes]], Any], descriptor: int, start: Entry, should_stop: ShouldStop
) -> Entry:
    lines, last, fault = 0, b"\n", None
    with open(descriptor, "rb", closefd=False) as file:
        try:
            stream = unfold(file)
            while True:
                piece = stream.read(_PIECE_BYTES)
                if not piece:
                    break
                lines, last = lines + newlines(piece), piece[-1:]
                if should_stop():
                    raise Stopped
        except _module_errors() as error:
            fault = f"torn or corrupt zstd ({error}); its whole lines are counted"
    return _entry(descriptor, start, lines, last, fault)


def _module_errors() -> Tuple[Type[BaseException], ...]:
    errors: List[Type[BaseException]] = [EOFError, ValueError, RuntimeError]
    for name in ("compression.zstd", "zstandard"):
        try:
            errors.append(importlib.import_module(name).ZstdError)
        except ImportError:
            continue
    return tuple(errors)


def _by_program(program: str, descriptor: int, start: Entry, should_stop: ShouldStop) -> Entry:
    import select
    import subprocess

    lines, last = 0, b"\n"
    child = subprocess.Popen(
        [program, "-dcq"], stdin=descriptor, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        while True:
            if should_stop():
                raise Stopped
            if not select.select([child.stdout], [], [], _POLL_S)[0]:
                continue
            piece = os.read(child.stdout.fileno(), _PIECE_BYTES)
            if not piece:
                break
            lines, last = lines + newlines(piece), piece[-1:]
        words = os.read(child.stderr.fileno(), 4096).decode("utf-8", "replace").strip()
        code = child.wait()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        child.stdout.close()
        child.stderr.close()
    fault = None
    if code != 0:
        said = words.rsplit(" : ", 1)[-1][:120] or f"exit code {code}"
        fault = f"torn or corrupt zstd ({said}); its whole lines are counted"
    return _entry(descriptor, start, lines, last, fault)


def _entry(descriptor: int, start: Entry, lines: int, last: bytes, fault: Optional[str]) -> Entry:
    entry = close_entry(descriptor, start, start.size, lines)
    return entry._replace(open=last != b"\n" and fault is None, fault=fault)
