"""Small file systems for tests. Need root; what the machine cannot do skips the test with the reason."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
_NO_LOG_FLUSH = 2


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")


@contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[Path]:
    """A tmpfs with these mount options."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"mode=0700,{options}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _run("umount", "-l", str(folder))


@contextmanager
def ext4(folder: Path) -> Iterator[Path]:
    """An ext4 on a loop file beside `folder`, 16 MiB."""
    folder.mkdir()
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    _run("mkfs.ext4", "-q", "-F", str(image))
    _mount("-o", "loop", str(image), str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def fill(folder: Path) -> None:
    """Until not one byte more fits."""
    file = os.open(folder / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    size = 1 << 16
    while size:
        try:
            os.write(file, b"x" * size)
        except OSError:
            size //= 2
    os.close(file)


def power_cut(folder: Path) -> None:
    """What was not on the disk at this instant never gets there; then the disk is mounted again."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(handle, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
    except OSError as error:
        pytest.skip(f"this kernel cannot shut an ext4 down: {error}")
    finally:
        os.close(handle)
    _run("umount", str(folder))
    _run("mount", "-o", "loop", str(folder.with_suffix(".img")), str(folder))


def _mount(*arguments: str) -> None:
    try:
        _run("mount", *arguments)
    except OSError as error:
        pytest.skip(str(error))
