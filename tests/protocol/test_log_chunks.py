"""Log bytes on the wire: every byte arrives as it was written, and what is no chunk is refused."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.protocol import (
    DATA,
    ERR,
    FILE,
    MAX_FRAME_BYTES,
    OUT,
    FrameDecoder,
    LogChunk,
    ProtocolError,
    decode_chunk,
    encode_frame,
)

GOLDEN = Path(__file__).parent / "golden" / "log_chunk.frame"
EXAMPLE = LogChunk(3, ERR, (1 << 40) + 7, 1790000000.5, b"\x1b[31mloss\xff\x00\r\n")
CHUNKS = st.builds(
    LogChunk,
    st.integers(0, 2**32 - 1),
    st.sampled_from([OUT, ERR, FILE]),
    st.integers(0, 2**64 - 1),
    st.floats(0.0, 2.0**39),
    st.binary(max_size=300),
)


def test_yesterdays_bytes_load() -> None:
    """Byte for byte what the first release sent under stream 5."""
    (frame,) = FrameDecoder().feed(GOLDEN.read_bytes())
    assert (frame.kind, frame.stream) == (DATA, 5)
    assert decode_chunk(frame.payload) == EXAMPLE


@given(st.lists(CHUNKS, max_size=4), st.integers(1, 61))
def test_every_byte_arrives_whatever_the_pieces(chunks: list[LogChunk], size: int) -> None:
    data = b"".join(encode_frame(DATA, 5, chunk.encode()) for chunk in chunks)
    decoder, found = FrameDecoder(), []
    for start in range(0, len(data), size):
        found += decoder.feed(data[start : start + size])
    assert [decode_chunk(frame.payload) for frame in found] == chunks


@given(st.binary(max_size=80))
def test_random_bytes_are_a_chunk_or_refused(payload: bytes) -> None:
    try:
        chunk = decode_chunk(payload)
    except ProtocolError:
        return
    assert chunk.which in (OUT, ERR, FILE)
    assert math.isfinite(chunk.clock)
    assert chunk.encode() == payload


@pytest.mark.parametrize("cut", range(21))
def test_a_chunk_without_its_head_is_refused(cut: int) -> None:
    with pytest.raises(ProtocolError, match="head"):
        decode_chunk(EXAMPLE.encode()[:cut])


@pytest.mark.parametrize(
    ("clock", "which"),
    [(math.nan, OUT), (math.inf, OUT), (-math.inf, OUT), (1e300, OUT), (-5.0, OUT), (1.0, 3),
     (1.0, 255)],
)  # fmt: skip
def test_no_known_time_or_stream_is_refused(clock: float, which: int) -> None:
    with pytest.raises(ProtocolError, match="stream or time"):
        decode_chunk(struct.pack(">QdIB", 0, clock, 1, which) + b"x")


def test_a_chunk_above_the_cap_cannot_be_sent() -> None:
    with pytest.raises(ProtocolError, match="at most"):
        encode_frame(DATA, 5, LogChunk(1, OUT, 0, 0.0, bytes(MAX_FRAME_BYTES)).encode())
