"""Whatever is done to the files between two counts, the incremental count is the full one.

Long lines differ from each other, as records do: a file that is rewritten in place, grows, and keeps both
its first 512 bytes and those before its old end is taken for one that was appended to.
"""

import gzip
import itertools
import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.agent_data.counting import Data

NAMES = st.sampled_from(["a.jsonl", "b.jsonl", "x/c.jsonl", "x/y/d.jsonl"])
LONG = b"long"
CONTENT = st.binary(max_size=40).map(lambda b: b.replace(b"\x07", b"\n")) | st.lists(
    st.sampled_from([b"\n", b"{}\n", LONG, b"torn"]), max_size=12
).map(b"".join)
_serial = itertools.count()


def distinct(content: bytes) -> bytes:
    """Each long line becomes one of 720 bytes that no other equals."""
    while LONG in content:
        content = content.replace(LONG, b"%07d " % next(_serial) * 90 + b"\n", 1)
    return content


class Edits(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.data = Data(Path(self.directory.name) / "root", Path(self.directory.name) / "state")
        (self.data.root / "x/y").mkdir(parents=True)

    def teardown(self) -> None:
        self.directory.cleanup()

    @rule(name=NAMES, content=CONTENT)
    def write(self, name: str, content: bytes) -> None:
        self.data.write(name, distinct(content))

    @rule(name=NAMES, content=CONTENT)
    def append(self, name: str, content: bytes) -> None:
        with open(self.data.root / name, "ab") as file:
            file.write(distinct(content))

    @rule(name=NAMES, content=CONTENT)
    def append_gzip(self, name: str, content: bytes) -> None:
        self.append(name, gzip.compress(distinct(content)))

    @rule(name=NAMES, fraction=st.floats(0, 1))
    def truncate(self, name: str, fraction: float) -> None:
        path = self.data.root / name
        if path.exists():
            os.truncate(path, int(path.stat().st_size * fraction))

    @rule(name=NAMES, other=NAMES)
    def rename(self, name: str, other: str) -> None:
        if (self.data.root / name).exists():
            os.replace(self.data.root / name, self.data.root / other)

    @rule(name=NAMES, other=NAMES)
    def link(self, name: str, other: str) -> None:
        if (self.data.root / name).exists() and not (self.data.root / other).exists():
            os.link(self.data.root / name, self.data.root / other)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        (self.data.root / name).unlink(missing_ok=True)

    @rule(name=NAMES)
    def touch(self, name: str) -> None:
        if (self.data.root / name).exists():
            os.utime(self.data.root / name, (1_000, 1_000))

    @rule()
    def another_agent(self) -> None:
        self.data.counter.close()
        self.data = Data(self.data.root, Path(self.directory.name) / "state")

    @rule(after=st.integers(1, 4))
    def stopped(self, after: int) -> None:
        asked = iter([False] * after)
        self.data.count("**/*.jsonl", stop=lambda: next(asked, True))

    @invariant()
    def incremental_is_full(self) -> None:
        if not hasattr(self, "data"):
            return
        full = Data(self.data.root).count("**/*.jsonl")
        assert self.data.count("**/*.jsonl") == full


Edits.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestEdits = Edits.TestCase
