"""A store that fails in each of its ways: bounded tries, one clear message, the manifest last, nothing deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faulty_store import Choice, Fault, FaultyStore, Request, always, first
from tests.jobs_backup.stores import Ended, backed_up, far, make_generation, orders, run_job
from tests.object_store import ObjectStore
from tests.processes import command_of, descendants
from workers.jobs.exclusive import one_at_a_time
from workers.jobs.remote.listing import objects

pytestmark = pytest.mark.xdist_group("object-store")
PART, MANIFEST = "part-00000.parquet", "manifest-000001.json"


@pytest.fixture
def faulty(
    object_store: ObjectStore, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultyStore]:
    with FaultyStore("127.0.0.1", object_store.port) as found:
        monkeypatch.setenv("RCLONE_CONFIG_FAULTY_TYPE", "s3")
        for name, value in environ.items():
            monkeypatch.setenv(name.replace("_STORE_", "_FAULTY_"), value)
        monkeypatch.setenv("RCLONE_CONFIG_FAULTY_ENDPOINT", found.endpoint)
        yield found


def back_up(
    tmp_path: Path, remote: str, faulty: FaultyStore, choose: Choice, tries: int = 0
) -> Ended:
    if not (tmp_path / "D").exists():
        make_generation(tmp_path / "D", 1)
    faulty.choose = choose
    document = orders("backup", tmp_path / "D", remote.replace("store:", "faulty:"), limits={"retries": tries})  # fmt: skip
    return run_job(tmp_path / "job", document)


def there(remote: str) -> set[str]:
    return {Path(each.path).name for each in objects(far(remote))}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(503, "SlowDown"), Fault(cut=True),
        pytest.param(Fault(500, "InternalError"), marks=pytest.mark.long),
        pytest.param(Fault(503, "ServiceUnavailable"), marks=pytest.mark.long),
        pytest.param(Fault(400, "RequestTimeout"), marks=pytest.mark.long),
    ],
    ids=lambda fault: fault.code or "cut",
)  # fmt: skip
def test_what_passes_is_tried_again(
    tmp_path: Path, remote: str, faulty: FaultyStore, fault: Fault
) -> None:
    done = back_up(tmp_path, remote, faulty, first(1, fault, ending=PART), tries=1)
    assert done.returncode == 0, done.stderr
    assert MANIFEST in there(remote)
    assert len(backed_up(tmp_path / "D")) == 1
    assert "DELETE" not in faulty.methods()


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        pytest.param(Fault(503, "SlowDown"), 1, "the store is overloaded or broken", marks=pytest.mark.long),
        (Fault(403, "RequestTimeTooSkewed"), 4, "the clock of this machine is not the store's"),
        (Fault(400, "ExpiredToken"), 4, "the credentials have expired"),
        pytest.param(Fault(403, "AccessDenied"), 4, "the credentials do not allow it", marks=pytest.mark.long),
    ],
    ids=lambda value: value.code if isinstance(value, Fault) else None,
)  # fmt: skip
def test_what_lasts_ends_with_one_message_and_goes_on_later(
    tmp_path: Path, remote: str, faulty: FaultyStore, fault: Fault, code: int, words: str
) -> None:
    """Half of the objects are there when it begins: credentials that expire in the middle."""
    done = back_up(tmp_path, remote, faulty, always(fault, ending=PART))
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert there(remote) == {"part-00000.jsonl"}
    assert backed_up(tmp_path / "D") == ()
    assert len(faulty.seen) < 30
    again = back_up(tmp_path, remote, faulty, lambda request: None)
    assert again.returncode == 0, again.stderr
    assert there(remote) == {"part-00000.jsonl", PART, MANIFEST}
    assert "DELETE" not in faulty.methods()


def test_an_etag_that_is_not_the_md5_deletes_nothing(
    tmp_path: Path, remote: str, faulty: FaultyStore
) -> None:
    """rclone alone would remove what it takes for damaged; here the bytes that are read back decide."""
    done = back_up(tmp_path, remote, faulty, always(Fault(etag=True), ending=PART))
    assert done.returncode == 0, done.stderr
    assert "DELETE" not in faulty.methods()


def test_bytes_that_were_changed_on_the_way_are_found(
    tmp_path: Path, remote: str, faulty: FaultyStore
) -> None:
    def choose(request: Request) -> Fault | None:
        return Fault(flipped=True) if request.method == "GET" and PART in request.path else None

    done = back_up(tmp_path, remote, faulty, choose)
    assert done.returncode == 5
    assert "reads back with other bytes than the file here; nothing was recorded" in done.stderr
    assert backed_up(tmp_path / "D") == ()
    assert MANIFEST not in there(remote)


@pytest.mark.long
def test_bytes_that_changed_while_they_were_sent_are_refused_by_the_store_or_found(
    tmp_path: Path, remote: str, faulty: FaultyStore
) -> None:
    done = back_up(tmp_path, remote, faulty, always(Fault(flipped=True), ending=PART))
    assert done.returncode in (1, 5)
    assert backed_up(tmp_path / "D") == ()
    assert MANIFEST not in there(remote)
    assert "DELETE" not in faulty.methods()


def test_a_body_that_ends_early_proves_nothing(
    tmp_path: Path, remote: str, faulty: FaultyStore
) -> None:
    done = back_up(
        tmp_path, remote, faulty, always(Fault(truncated=True), method="GET", ending=PART)
    )
    assert done.returncode in (1, 5)
    assert backed_up(tmp_path / "D") == ()
    assert MANIFEST not in there(remote)


def test_a_large_object_whose_pieces_stop_coming_leaves_none_behind(
    tmp_path: Path, remote: str, faulty: FaultyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent in pieces: what is given up is given back, and no object is deleted."""
    monkeypatch.setenv("RCLONE_S3_UPLOAD_CUTOFF", "5Mi")
    make_generation(tmp_path / "D", 1, {PART: 12_000_000})

    def expire(request: Request) -> Fault | None:
        return Fault(400, "ExpiredToken") if "partNumber=2" in request.path else None

    done = back_up(tmp_path, remote, faulty, expire)
    assert done.returncode == 4, done.stderr
    assert "the credentials have expired" in done.stderr
    given_back = [each.path for each in faulty.seen if each.method == "DELETE"]
    assert given_back
    assert all("uploadId=" in path for path in given_back)
    again = back_up(tmp_path, remote, faulty, lambda request: None)
    assert again.returncode == 0, again.stderr
    assert there(remote) == {PART, MANIFEST}


def test_two_consoles_back_up_once(tmp_path: Path, remote: str, faulty: FaultyStore) -> None:
    with one_at_a_time(tmp_path / "D/games/.quarterdeck", "backup"):
        done = back_up(tmp_path, remote, faulty, lambda request: None)
    assert done.returncode == 1
    assert "another backup is under way" in done.stderr
    assert faulty.seen == []


def test_the_manifest_is_the_last_object_that_is_written(
    tmp_path: Path, remote: str, faulty: FaultyStore
) -> None:
    done = back_up(tmp_path, remote, faulty, lambda request: None)
    assert done.returncode == 0, done.stderr
    written = [request.path.partition("?")[0] for request in faulty.seen if request.method == "PUT"]
    assert written[-1].endswith(MANIFEST)
    read_back = max(
        n for n, each in enumerate(faulty.seen) if each.method == "GET" and PART in each.path
    )
    sent = next(
        n for n, each in enumerate(faulty.seen) if each.method == "PUT" and MANIFEST in each.path
    )
    assert read_back < sent


def test_no_such_bucket_is_said_and_none_is_made(tmp_path: Path, environ: dict[str, str]) -> None:
    make_generation(tmp_path / "D", 1)
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", "store:nobucket/x"))
    assert done.returncode == 4
    assert "there is no such bucket (NoSuchBucket), and none was made" in done.stderr or "do not allow" in done.stderr  # fmt: skip


def test_an_endpoint_that_is_not_there_is_waiting_and_not_failing(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generation(tmp_path / "D", 1)
    monkeypatch.setenv("RCLONE_CONFIG_STORE_ENDPOINT", "http://127.0.0.1:1")
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", "store:bucket/x"))
    assert done.returncode == 3, done.stderr
    assert "the store cannot be reached" in done.stderr


@pytest.mark.long
def test_an_endpoint_that_cannot_prove_itself_gets_nothing(
    tmp_path: Path, environ: dict[str, str], faulty: FaultyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generation(tmp_path / "D", 1)
    monkeypatch.setenv("RCLONE_CONFIG_STORE_ENDPOINT", faulty.endpoint.replace("http:", "https:"))
    monkeypatch.setenv("RCLONE_NO_CHECK_CERTIFICATE", "true")
    done = run_job(tmp_path / "job", orders("backup", tmp_path / "D", "store:bucket/x"))
    assert done.returncode == 4, done.stderr
    assert "could not prove who it is (TLS)" in done.stderr


def test_a_store_that_falls_silent_costs_the_jobs_time_and_no_more(
    tmp_path: Path, remote: str, faulty: FaultyStore
) -> None:
    make_generation(tmp_path / "D", 1)
    faulty.choose = always(Fault(silent=True), ending=PART)
    document = orders("backup", tmp_path / "D", remote.replace("store:", "faulty:"), limits={"retries": 3, "timeout_s": 2})  # fmt: skip
    done = run_job(tmp_path / "job", document)
    assert done.returncode == 1
    assert "took longer than 2 s (timeout_s)" in done.stderr
    assert [
        pid for pid in descendants(os.getpid()) if b"rclone" in b" ".join(command_of(pid)[:1])
    ] == []
    assert backed_up(tmp_path / "D") == ()
