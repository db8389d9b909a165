"""Consolidated stores as an aggregation leaves them, and a backup run as the job it is."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from tests.jobs.documents import body, write
from workers.jobs.command import main
from workers.jobs.remote.address import parse
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.tool import find_rclone
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import BackedUp
from workers.records.consolidated import encode_manifest

DATASET = "games"


def make_generation(
    root: Path, number: int, sizes: dict[str, int] | None = None, dataset: str = DATASET
) -> Path:
    """A finished generation with files of these sizes; its folder."""
    folder = root / dataset / "consolidated" / f"gen-{number:06d}"
    chance = random.Random(number)
    files = []
    for name, size in (
        sizes or {"part-00000.parquet": 3000, "rejected/part-00000.jsonl": 70}
    ).items():
        data = chance.randbytes(size)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        files.append({"path": name, "bytes": size, "hash": blake2b(data)})
    manifest = {"generation": number, "files": files}
    (folder / f"manifest-{number:06d}.json").write_bytes(encode_manifest(manifest))
    return folder


def blake2b(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def orders(kind: str, root: Path, remote: str, **changes: Any) -> dict[str, Any]:
    """The document of a backup or a restore on this machine."""
    options = {"remote": remote, **changes.pop("options", {})}
    found = {
        "job": kind,
        "kind": kind,
        "hosts": {"local": {"ssh": None, "root": str(root)}},
        "datasets": [{"name": DATASET, "nodes": ["local"]}],
        "sources": ["local"],
        "destination": {"node": "local", "path": str(root)},
        "limits": {"retries": 0},
        **changes,
    }
    return body(options=options, **found)


class Ended(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run_job(folder: Path, document: dict[str, Any], *words: str) -> Ended:
    """Runs it to its end, here, with its status below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [
        document["kind"],
        "--document",
        str(write(folder / "orders.json", document)),
        *words,
    ]
    codes: list[int] = []
    out, err = io.StringIO(), io.StringIO()
    thread = threading.Thread(
        target=lambda: codes.append(main(arguments))
    )  # no handlers of signals there
    with (
        mock.patch.dict(os.environ, {"QD_STATUS": str(folder / "status.json")}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        thread.start()
        thread.join(90)
    assert codes, f"it does not end: {out.getvalue()} {err.getvalue()}"
    return Ended(codes[0], out.getvalue(), err.getvalue())


def command(folder: Path, document: dict[str, Any], *words: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    path = write(folder / "orders.json", document)
    return [sys.executable, "-m", "workers.jobs", document["kind"], "--document", str(path), *words]


def job_environment(folder: Path, environ: dict[str, str]) -> dict[str, str]:
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return {**kept, "HOME": str(home), "QD_STATUS": str(folder / "status.json"), **environ}


def status(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "status.json").read_text())
    return found


def backed_up(root: Path, dataset: str = DATASET) -> tuple[BackedUp, ...]:
    return Manifest(folder_of(str(root), dataset), "backed_up").read().entries


def far(remote: str) -> Caller:
    """The remote, to look at what is there."""
    return Caller(find_rclone(), parse(remote), None, 0, 4, lambda: None)
