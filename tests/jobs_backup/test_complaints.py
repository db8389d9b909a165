"""What a store or rclone complains of, as one message that says what to do."""

from __future__ import annotations

import pytest

from workers.harness import Misconfigured, WorkerError
from workers.jobs.errors import NoRoom, NotReached, Passing, Refused
from workers.jobs.remote.complaints import explain

S3 = "Failed to copy: operation error S3: PutObject, https response error StatusCode: {}, RequestID: 1, api error {}"
SENT = 'Put "https://s3.example/b/x": '


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (S3.format(403, "RequestTimeTooSkewed: The difference is too large"), Misconfigured, "set the clock"),
        (S3.format(400, "ExpiredToken: The provided token has expired."), Misconfigured, "have expired"),
        (S3.format(403, "InvalidAccessKeyId: does not exist"), Misconfigured, "does not know the access key"),
        (S3.format(403, "SignatureDoesNotMatch: calculated"), Misconfigured, "secret key does not fit"),
        (S3.format(404, "NoSuchBucket: The specified bucket does not exist"), Misconfigured, "no such bucket"),
        (S3.format(403, "AccessDenied: Access Denied"), Misconfigured, "never to delete"),
        (S3.format(400, "AuthorizationHeaderMalformed: region"), Misconfigured, "another region"),
        (SENT + "tls: failed to verify certificate: x509: certificate signed by unknown authority", Misconfigured, "TLS"),
        (SENT + "http: server gave HTTP response to HTTPS client", Misconfigured, "TLS"),
        ('Failed to create file system for "n:b/": didn\'t find section in config file ("n")', Misconfigured, "knows no such remote"),
        ("operation error S3: PutObject, get identity: get credentials: failed to refresh cached credentials", Misconfigured, "no credentials"),
        ("Source and destination exist but do not match: immutable file modified", Refused, "nothing was overwritten"),
        (S3.format(503, "SlowDown: Please reduce your request rate."), Passing, "overloaded"),
        (S3.format(500, "InternalError: We encountered an internal error"), Passing, "overloaded"),
        (SENT + "dial tcp 10.0.0.9:443: connect: connection refused", NotReached, "cannot be reached"),
        (SENT + "dial tcp: lookup s3.example: no such host", NotReached, "cannot be reached"),
        (SENT + "net/http: timeout awaiting response headers", Passing, "broke or stood still"),
        (SENT + "read tcp: connection reset by peer", Passing, "broke or stood still"),
        ("write /x: no space left on device", NoRoom, "disk is full"),
        ("something new", Passing, "rclone ended with 1: something new"),
    ],
)  # fmt: skip
def test_each_is_told_in_words(text: str, kind: type[WorkerError], words: str) -> None:
    found = explain([text], "s:b/p")
    assert type(found) is kind
    assert words in str(found)
    assert str(found).startswith("s:b/p: ")


def test_the_gravest_of_many_is_told() -> None:
    found = explain([S3.format(503, "SlowDown"), S3.format(403, "ExpiredToken: x")], "s:b/p")
    assert "have expired" in str(found)


def test_a_signed_address_is_not_repeated() -> None:
    text = 'Put "https://s3.example/b/x?X-Amz-Credential=AKIA%2F1&X-Amz-Signature=abc123&x-id=PutObject": EOF'
    found = str(explain([text], "s:b/p"))
    assert "AKIA" not in found
    assert "abc123" not in found


def test_silence_is_said() -> None:
    assert "said nothing" in str(explain([], "s:b/p", 2))
