"""Lines of the first release, read by today's code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.entries import aggregated, backed_up, synced
from workers.ledger.manifest import Manifest
from workers.ledger.shapes import decode, encode

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES: dict[str, tuple[Any, ...]] = {
    "synced": (
        synced(),
        synced("/mnt/ü/“odd” name.db", records=None, mtime_ns=-1, bytes=1 << 40, size=1 << 41),
        synced("data/20260101/w-1790000000-n000500-0123456789abcdef.jsonl.zst", run="", fence=0),
    ),
    "aggregated": (aggregated(), aggregated(duplicates=1, new=0, rejected=1, generation=1 << 31)),
    "backed_up": (backed_up(), backed_up(0, remote="store:bucket/ü", files=0, bytes=0)),
}


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_yesterdays_lines_load(kind: str) -> None:
    found = Manifest(str(GOLDEN), kind).read()
    assert found.entries == EXAMPLES[kind]
    assert found.damaged == ()


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_todays_lines_are_yesterdays(kind: str) -> None:
    written = b"".join(map(encode, EXAMPLES[kind]))
    assert written == (GOLDEN / f"{kind}.jsonl").read_bytes()


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_members_that_are_not_known_are_ignored(kind: str) -> None:
    import zlib

    for example in EXAMPLES[kind]:
        body = json.loads(encode(example))
        del body["crc"]
        text = json.dumps({**body, "invented_later": [1, {"er": None}]}).encode()
        line = text[:-1] + b',"crc":%d}' % zlib.crc32(text)
        assert decode(kind, line) == example
