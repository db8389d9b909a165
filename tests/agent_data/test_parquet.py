"""Rows from the footer of Parquet files."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from tests.agent_data.counting import Data
from workers.agent.data.parquet import _num_rows

# one column, three rows, written by parquet-cpp-arrow 26.0.0
THREE_ROWS = base64.b64decode(
    "UEFSMRUAFSQVJCwVBhUAFQYVBhwAAAACAAAABgEBAAAAAgAAAAMAAAAVBBksNQAYBnNjaGVtYRUCABUCJQIYAWElHkys"
    "EwgRAAAAFgYZHBkcJgAcFQIZJQYAGRgBYRUAFgYWShZKJghJHBUAFQAVAgA8KQYZJgAGAAAAFkoWBiYIFkoAKCBwYXJx"
    "dWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRkcHAAAAIMAAABQQVIx"
)


def test_rows_of_a_real_file(data: Data) -> None:
    data.write("d/a.parquet", THREE_ROWS)
    data.write("d/deep/b.parquet", THREE_ROWS)
    assert data.count("d/**/*.parquet", method="parquet").records == 6
    assert data.count("d/", method="parquet").records == 6


def test_torn_and_foreign_files_are_named(data: Data) -> None:
    data.write("d/a.parquet", THREE_ROWS)
    data.write("d/torn.parquet", THREE_ROWS[:-4])
    data.write("d/short.parquet", b"PAR1")
    data.write("d/length.parquet", b"PAR1" + b"\xff" * 8 + b"PAR1")
    data.write("d/secret.parquet", THREE_ROWS[:-4] + b"PARE")
    data.write("d/garbled.parquet", b"PAR1" + b"\xff" * 40 + (40).to_bytes(4, "little") + b"PAR1")
    count = data.count("d/*.parquet", method="parquet")
    assert (count.records, count.unreadable_files) == (3, 5)
    assert "d/torn.parquet: no Parquet footer: torn, or still being written" in count.faults


def test_a_rewritten_file_is_read_again(data: Data) -> None:
    path = data.write("d/a.parquet", THREE_ROWS)
    assert data.count("d/", method="parquet").records == 3
    path.write_bytes(THREE_ROWS.replace(b"\x16\x06\x19\x1c", b"\x16\x08\x19\x1c", 1))
    assert data.count("d/", method="parquet").records == 4


@given(st.binary(max_size=300))
def test_no_footer_ends_the_agent(footer: bytes) -> None:
    try:
        assert isinstance(_num_rows(footer), int)
    except (IndexError, ValueError):
        pass
