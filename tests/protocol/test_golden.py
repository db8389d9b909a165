"""Bytes of the first release, read by today's code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.examples import EXAMPLES
from workers.protocol import (
    AGENT_MESSAGES,
    CONSOLE_MESSAGES,
    FrameDecoder,
    UnknownMessage,
    decode_message,
    encode_message,
    type_name,
)

GOLDEN = Path(__file__).parent / "golden"
KNOWN = (*AGENT_MESSAGES, *CONSOLE_MESSAGES)


def name_of(message: Any) -> str:
    return type_name(type(message))


def test_every_message_has_an_example() -> None:
    assert {type(example) for example in EXAMPLES} == set(KNOWN)


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_yesterdays_bytes_load(example: Any) -> None:
    """Byte for byte what the first release sent under stream 5."""
    data = (GOLDEN / f"{name_of(example)}.frame").read_bytes()
    (frame,) = FrameDecoder().feed(data)
    assert frame.stream == 5
    assert decode_message(frame.payload, KNOWN) == example


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_there_and_back(example: Any) -> None:
    (frame,) = FrameDecoder().feed(encode_message(example, 9))
    assert decode_message(frame.payload, KNOWN) == example


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_an_older_peer_ignores_fields_it_does_not_know(example: Any) -> None:
    (frame,) = FrameDecoder().feed(encode_message(example))
    body = json.loads(frame.payload) | {"invented_later": {"deep": [1, {"er": None}]}}
    assert decode_message(json.dumps(body).encode(), KNOWN) == example


def test_a_newer_peer_fills_in_what_an_older_one_does_not_send() -> None:
    payload = b'{"type":"heartbeat","sequence":1,"clock":2.0,"boottime":3.0}'
    heartbeat = decode_message(payload, AGENT_MESSAGES)
    assert heartbeat.echo is None


def test_a_message_of_the_future_is_told_apart_from_garbage() -> None:
    with pytest.raises(UnknownMessage):
        decode_message(b'{"type":"teleport","to":"mars"}', KNOWN)
