"""zstd by whatever this machine has: the package zstandard, Python 3.14, or the program."""

import importlib
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from workers.harness.errors import CorruptData, Misconfigured

_LEVEL = 3
_PIECE_BYTES = 64 * 1024
_LACKING = (
    "zstd is missing: install the package zstandard, use Python 3.14, or install the program zstd"
)


def require_zstd() -> None:
    """Raises Misconfigured where nothing here knows zstd."""
    if _engine() is None and _program() is None:
        raise Misconfigured(_LACKING)


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One frame with a checksum. Raises Misconfigured."""
    engine = _engine()
    if engine is None:
        yield from _through(["-q", "-c", f"-{_LEVEL}"], pieces)
        return
    compressor = engine.compressor()
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def decompressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Of all frames. Raises CorruptData for torn or corrupt data, after what came before; Misconfigured."""
    engine = _engine()
    if engine is None:
        yield from _through(["-q", "-d", "-c"], pieces)
        return
    decompressor = None
    for piece in pieces:
        while piece:
            decompressor = decompressor or engine.decompressor()
            try:
                yield decompressor.decompress(piece)
            except engine.errors as error:
                raise CorruptData(f"corrupt zstd ({error})") from None
            piece = decompressor.unused_data if decompressor.eof else b""
            decompressor = None if decompressor.eof else decompressor
    if decompressor is not None:
        raise CorruptData("zstd data ends early (torn)")


class _Engine:
    """What a module gives: makers of a compressor and a decompressor, and its errors."""

    def __init__(
        self, compressor: Callable[[], Any], decompressor: Callable[[], Any], *errors: Any
    ) -> None:
        self.compressor = compressor
        self.decompressor = decompressor
        self.errors: tuple[type[Exception], ...] = (*errors, EOFError, ValueError)


def _engine() -> _Engine | None:
    try:
        package = importlib.import_module("zstandard")
        return _Engine(
            lambda: package.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj(),
            lambda: package.ZstdDecompressor().decompressobj(),
            package.ZstdError,
        )
    except ImportError:
        pass
    try:
        standard = importlib.import_module("compression.zstd")
    except ImportError:
        return None
    options = {
        standard.CompressionParameter.compression_level: _LEVEL,
        standard.CompressionParameter.checksum_flag: 1,
    }
    return _Engine(
        lambda: standard.ZstdCompressor(options=options),
        standard.ZstdDecompressor,
        standard.ZstdError,
    )


def _program() -> str | None:
    return shutil.which("zstd")


def _through(options: list[str], pieces: Iterable[bytes]) -> Iterator[bytes]:
    program = _program()
    if program is None:
        raise Misconfigured(_LACKING)
    child = subprocess.Popen(
        [program, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    faults: list[BaseException] = []
    feeder = threading.Thread(target=_feed, args=(child, pieces, faults), daemon=True)
    feeder.start()
    try:
        while piece := child.stdout.read(_PIECE_BYTES):
            yield piece
        words = child.stderr.read(4096).decode("utf-8", "replace").strip()
        code = child.wait()
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        feeder.join()
        child.stdout.close()
        child.stderr.close()
    if faults:
        raise faults[0]
    if code:
        raise CorruptData(f"torn or corrupt zstd ({words.rsplit(' : ', 1)[-1][:120]})")


def _feed(
    child: "subprocess.Popen[bytes]", pieces: Iterable[bytes], faults: list[BaseException]
) -> None:
    assert child.stdin is not None
    try:
        for piece in pieces:
            child.stdin.write(piece)
        child.stdin.close()
    except BrokenPipeError:  # its exit code says why
        pass
    except BaseException as error:  # of the source; whoever reads our output raises it
        faults.append(error)
        child.kill()
