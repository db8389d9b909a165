"""Whatever bytes arrive: messages, or a ProtocolError that says where. Nothing else, and bounded."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.text import sanitise
from tests.protocol.examples import EXAMPLES
from workers.protocol import (
    AGENT_MESSAGES,
    CONSOLE_MESSAGES,
    MAX_FRAME_BYTES,
    MAX_ITEMS,
    MAX_TEXT,
    FrameDecoder,
    ProtocolError,
    decode_message,
    encode_frame,
    encode_message,
    plain,
    type_name,
)

KNOWN = (*AGENT_MESSAGES, *CONSOLE_MESSAGES)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(data: bytes) -> list[Any]:
    """All messages in `data`. Raises ProtocolError and nothing else."""
    frames = FrameDecoder().feed(data)
    return [decode_message(frame.payload, KNOWN, sanitise) for frame in frames]


def complaint(payload: bytes) -> str:
    """What is wrong with a payload; its type where nothing is."""
    try:
        return type_name(type(decode_message(payload, KNOWN)))
    except ProtocolError as error:
        return str(error)


@given(st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    try:
        read(data)
    except ProtocolError:
        pass


@given(st.binary(max_size=200))
def test_random_payload(payload: bytes) -> None:
    try:
        read(encode_frame(1, 0, payload))
    except ProtocolError:
        pass


@given(st.sampled_from([type_name(kind) for kind in KNOWN]), st.dictionaries(st.text(), JSON))
def test_random_fields(name: str, fields: dict[str, Any]) -> None:
    try:
        read(encode_frame(1, 0, json.dumps(fields | {"type": name}).encode()))
    except ProtocolError:
        pass


@given(st.sampled_from(EXAMPLES), st.data())
def test_one_field_of_a_wrong_type(example: Any, data: st.DataObject) -> None:
    """Either it fits after all, or the error names the message."""
    body = plain(example)
    if not body:
        return
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(JSON)
    payload = json.dumps(body | {"type": type_name(type(example))}).encode()
    assert complaint(payload).startswith(type_name(type(example)))


@given(st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=4), st.integers(1, 97))
def test_pieces_of_any_size(examples: list[Any], size: int) -> None:
    data = b"".join(encode_message(example, 3) for example in examples)
    decoder, found = FrameDecoder(), []
    for start in range(0, len(data), size):
        found += decoder.feed(data[start : start + size])
    assert [decode_message(frame.payload, KNOWN) for frame in found] == examples
    assert decoder.pending_bytes == 0


@settings(max_examples=50)
@given(st.integers(MAX_FRAME_BYTES + 1, 2**32 - 1), st.integers(0, 255))
def test_a_length_above_the_cap_is_refused_before_anything_is_held(length: int, kind: int) -> None:
    with pytest.raises(ProtocolError, match="at most"):
        FrameDecoder().feed(struct.pack(">IBI", length, kind, 0) + b"x" * 10)


def test_half_a_frame_waits() -> None:
    decoder = FrameDecoder()
    data = encode_message(EXAMPLES[0])
    assert decoder.feed(data[:-1]) == []
    assert len(decoder.feed(data[-1:])) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b'{"type":"notice","level":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b'{"type":"heartbeat","sequence":' + b"9" * 4000 + b',"clock":1,"boottime":1}',
        b'{"type":"heartbeat","sequence":' + b"9" * 400_000 + b',"clock":1,"boottime":1}',
        b'{"type":"heartbeat","sequence":1,"clock":1e999,"boottime":1}',
        b'{"type":"heartbeat","sequence":1,"clock":NaN,"boottime":1}',
        b'{"type":"heartbeat","sequence":1,"clock":-Infinity,"boottime":1}',
        b'{"type":"heartbeat","sequence":true,"clock":1,"boottime":1}',
        b'{"type":"heartbeat","sequence":18446744073709551616,"clock":1,"boottime":1}',
        b'{"type":["heartbeat"],"sequence":1}',
        b'{"type":"notice","level":"info","text":"' + b"x" * (MAX_TEXT + 1) + b'"}',
        b'{"type":"process_table","processes":[' + b"1," * MAX_ITEMS + b"1]}",
        b"\xff\xfe\x00",
        b"null",
        b"",
    ],
    ids=lambda payload: payload[:24].decode("latin-1") + f"…{len(payload)}",
)
def test_hostile_payloads_are_refused_in_words(payload: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode_message(payload, KNOWN)
    assert str(caught.value)


def test_lone_surrogates_and_escapes_arrive_visible() -> None:
    text = "\x1b]52;c;eHg=\x07 \x9b31m \u202eabc \udc80 [/x][@click=app.quit]"
    (frame,) = FrameDecoder().feed(encode_message(EXAMPLES[4]._replace(text=text)))
    notice = decode_message(frame.payload, KNOWN, sanitise)
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\udc80"} & set(notice.text)
    notice.text.encode()
    assert notice.text.endswith("[/x][@click=app.quit]")


def test_nothing_above_the_cap_can_be_sent() -> None:
    with pytest.raises(ProtocolError):
        encode_frame(1, 0, b"x" * (MAX_FRAME_BYTES + 1))
