"""The decisions that need no machine: which files travel, what rsync says, what its end means."""

from __future__ import annotations

from typing import Any

import pytest

from workers.harness import Misconfigured, WorkerError
from workers.jobs.document import Host
from workers.jobs.errors import NoRoom, NotReached, Passing, Refused
from workers.jobs.sync import relay
from workers.jobs.sync.arguments import Leg, pull, push, remote
from workers.jobs.sync.decide import decide
from workers.jobs.sync.progress import Lines, read_progress
from workers.jobs.sync.verdict import judge, warning
from workers.jobs.sync.version import Version, read_version
from workers.ledger.shapes import JOURNAL, LINES, SHARD, SQLITE, WHOLE, DataFile, Synced

NEW = Version(3, 5, 0)
LEG = Leg("/srv/run", "/data/x", ("a b", "-n"), 10)


def file(kind: str = WHOLE, size: int = 100, **fields: Any) -> DataFile:
    fields = {"prefix_bytes": size, "mtime_ns": 1000, "records": 1, "kind": kind, **fields}
    return DataFile("d/a", size, **fields)


def entry(size: int = 100, mtime_ns: int = 1000, whole: int | None = None) -> Synced:
    return Synced("n", "k", "d/a", size, 1, "h", mtime_ns, whole or size, 1.0)


@pytest.mark.parametrize(
    ("found", "before", "what"),
    [
        (file(), None, "new"),
        (file(), entry(), "unchanged"),
        (file(size=200, mtime_ns=2000), entry(), "changed"),
        (file(size=50, mtime_ns=2000), entry(), "refused"),  # smaller
        (file(size=200, mtime_ns=500), entry(), "refused"),  # older
        (file(mtime_ns=2000), entry(), "changed"),  # same size, another time
        (file(settled=False), None, "later"),
        (file(JOURNAL), None, "later"),
        (file(LINES), None, "new"),
        (file(LINES, prefix_bytes=0), None, "later"),
        (file(LINES, settled=False), None, "new"),
        (file(LINES, 150, mtime_ns=2000), entry(), "grown"),
        (
            file(LINES, 150, mtime_ns=500),
            entry(),
            "grown",
        ),  # a clock that went back: the hash decides
        (file(LINES, 150, prefix_bytes=100, mtime_ns=2000), entry(), "unchanged"),
        (file(LINES, 90, mtime_ns=2000), entry(), "refused"),
        (file(LINES), entry(mtime_ns=-1), "changed"),
        (file(SHARD, sealed_hash="x", mtime_ns=9), entry(), "unchanged"),
        (file(SQLITE, 50, mtime_ns=2000), entry(), "changed"),  # its log went into it
        (file(SQLITE, 50, mtime_ns=500), entry(), "refused"),
    ],
)
def test_what_becomes_of_a_file(found: DataFile, before: Synced | None, what: str) -> None:
    (step,) = decide([found], {"d/a": before} if before else {})
    assert step.what == what
    assert bool(step.reason) == (what in ("later", "refused"))


@pytest.mark.parametrize("path", ["../a", "a/../b", "a//b", "", "a\nb", "a\x7f", "/", "\udc80"])
def test_names_that_may_form_no_path(path: str) -> None:
    (step,) = decide([file()._replace(path=path)], {})
    assert step.what == "refused"


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        (0, [], None),
        (23, ["x"], None),
        (24, ["x"], None),
        (25, ["x"], WorkerError),
        (30, ["x"], Passing),
        (35, ["x"], Passing),
        (12, ["x"], Passing),
        (10, [], Passing),
        (-9, [], Passing),
        (255, ["ssh: connect to host h port 22: Connection refused"], NotReached),
        (127, ["sh: rsync: command not found"], Misconfigured),
        (12, ["bash: rsync: command not found"], Misconfigured),
        (11, ["rsync: write failed: No space left on device (28)"], NoRoom),
        (23, ["rsync: write failed: No space left on device (28)"], NoRoom),
        (11, ["rsync: mkstemp failed: Read-only file system (30)"], Refused),
        (1, [], WorkerError),
    ],
)
def test_what_an_exit_code_means(code: int, said: list[str], kind: type | None) -> None:
    error = judge(code, said, "gpu-1")
    assert (type(error) if error else None) == kind
    if error is not None and said:
        assert said[-1] in str(error) or code == 25


def test_warnings_are_said() -> None:
    assert warning(0, ["x"]) == ""
    assert warning(24, ["file has vanished: x"]).startswith("rsync: some files vanished")
    assert "deletion" in str(judge(25, [], "n"))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"  1,238,099  93%  146.38kB/s    0:00:08 (xfr#5, to-chk=169/396)", (1238099, 93, 8, 5)),
        (b"      300000000  99%  484.10MB/s    0:00:00 (xfr#1, to-chk=3/4)", (300000000, 99, 0, 1)),
        (b"   12  100%    0.00B/s    1:02:03", (12, 100, 3723, None)),
        (b"  32 0%    1.00GB/s    0:00:00 (xfr#9, ir-chk=1000/2000)", (32, 0, 0, 9)),
    ],
)
def test_progress_is_read(line: bytes, found: tuple[int, int, int, int | None]) -> None:
    read = read_progress(line)
    assert read is not None
    assert (read.bytes, read.percent, read.eta_s, read.files) == found


def test_what_is_no_progress() -> None:
    for line in (b"", b"rsync: [sender] link_stat failed", b"1 2% x", b"100% done 1:00"):
        assert read_progress(line) is None
    lines = Lines()
    assert lines.feed(b"a\rb\nc") == [b"a", b"b"]
    assert lines.feed(b"d" * 200_000)
    assert lines.end() == []


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        (b"rsync  version 3.5.0  protocol version 32\n", (3, 5, 0)),
        (b"rsync  version v3.2.7  protocol version 31\n", (3, 2, 7)),
        (b"Welcome!\nrsync  version 3.4.3-1 protocol", (3, 4, 3)),
        (b"openrsync: protocol version 29", None),
    ],
)
def test_versions(printed: bytes, found: tuple[int, int, int] | None) -> None:
    assert read_version(printed) == found


def test_old_versions_are_warned_of() -> None:
    assert NEW.warning("n") == ""
    assert "3.4.3 or newer" in Version(3, 4, 1).warning("gpu-1")
    assert Version(3, 2, 3).secluded == "--protect-args"


def test_the_argument_lists() -> None:
    host = Host(
        "gpu-1", ("ssh", "-o", "ProxyCommand=ssh -W 'a b'", "-p", "22", "--", "root@fe80::1")
    )
    argv = pull(LEG, host, NEW, 100)
    assert argv[-3:] == ("--", "root@[fe80::1]:/srv/run/", "/data/x/")
    assert "--rsh=ssh -o 'ProxyCommand=ssh -W ''a b''' -p 22" in argv
    for needed in ("--secluded-args", "--from0", "--files-from=-", "--no-devices", "--bwlimit=100"):
        assert needed in argv
    assert not any("delete" in word or word == "-n" for word in (*argv, *push(LEG, host, NEW)))
    assert push(LEG, host, NEW)[-2:] == ("/srv/run/", "root@[fe80::1]:/data/x/")
    assert LEG.file_list == b"a b\0-n\0"
    assert pull(LEG, Host("local"), NEW)[-3:] == ("--", "/srv/run/", "/data/x/")


@pytest.mark.parametrize("ssh", [("ssh", "--", "-oProxyCommand=x"), ("ssh",), ("ssh", "a/b"), ()])
def test_what_rsync_would_take_for_something_else_is_refused(ssh: tuple[str, ...]) -> None:
    with pytest.raises(Misconfigured, match="is no place for rsync"):
        remote(Host("gpu-1", ssh))


def test_a_relay_takes_nothing_but_capabilities_from_the_far_side() -> None:
    asked = "relay rsync --server --sender -tpRe.LsfxCIvu --files-from / --from0 . /srv/run/"
    assert relay.letters_of(asked) == "LsfxCIvu"
    for odd in ("rsync --server -te.;rm", "relay sh -c 'reboot'", "", "-e.L/x", "--e.L"):
        with pytest.raises(ValueError, match="no request of rsync"):
            relay.letters_of(odd)
    with pytest.raises(ValueError, match="capabilities"):
        relay.sender(LEG, "/x", "L; reboot")
    argv = relay.sender(LEG, "/home/list", "LsfxCIvu")
    assert argv[4] == "/home/list"
    assert argv[-2:] == (".", "/srv/run/")
