"""What rclone complains of, in one message: what it is, and what to do."""

import re
from collections.abc import Sequence

from workers.harness import CorruptData, Misconfigured, WorkerError
from workers.jobs.errors import NoRoom, NotReached, Passing, Refused

_SIGNED = re.compile(r"(X-Amz-[A-Za-z-]+|AWSAccessKeyId|Signature|Authorization)=[^&\s\"]+")
_MOST_TEXT = 400

_KNOWN: tuple[tuple[str, type[WorkerError], str], ...] = (
    (
        r"RequestTimeTooSkewed|RequestExpired|RequestInTheFuture",
        Misconfigured,
        "the clock of this machine is not the store's, which therefore takes no request (RequestTimeTooSkewed): "
        "set the clock (chronyc makestep, timedatectl set-ntp true)",
    ),
    (
        r"ExpiredToken|TokenRefreshRequired|token.{0,20}expired",
        Misconfigured,
        "the credentials have expired (ExpiredToken): renew them",
    ),
    (
        r"InvalidAccessKeyId|InvalidToken|InvalidClientTokenId",
        Misconfigured,
        "the store does not know the access key (InvalidAccessKeyId): correct access_key_id",
    ),
    (
        r"SignatureDoesNotMatch",
        Misconfigured,
        "the secret key does not fit the access key (SignatureDoesNotMatch): correct secret_access_key, and the "
        "endpoint should be the one the store calls itself",
    ),
    (
        r"NoCredentialProviders|get credentials|failed to refresh cached credentials|static credentials are empty",
        Misconfigured,
        "there are no credentials: give them by rclone's configuration file or as secrets of the job",
    ),
    (
        r"NoSuchBucket|bucket.{0,30}(does not exist|not found)",
        Misconfigured,
        "there is no such bucket (NoSuchBucket), and none was made: create it, or correct the name",
    ),
    (
        r"AuthorizationHeaderMalformed|PermanentRedirect|MovedPermanently|IllegalLocationConstraint",
        Misconfigured,
        "the bucket is in another region: correct region or endpoint",
    ),
    (
        r"x509|certificate|tls: |server gave HTTP response to HTTPS client",
        Misconfigured,
        "the endpoint could not prove who it is (TLS), so nothing was sent: correct the endpoint, or give its "
        "authority as RCLONE_CA_CERT; there is no way around the check",
    ),
    (
        r"AccessDenied|AllAccessDisabled|StatusCode: 403|403 Forbidden|api error Forbidden",
        Misconfigured,
        "the credentials do not allow it (403): a backup needs to put, get and list below this prefix, and never "
        "to delete",
    ),
    (
        r"didn't find section in config file|config file .{0,200}not found",
        Misconfigured,
        "rclone knows no such remote: name the right configuration file, or correct the name",
    ),
    (
        r"(unable to|couldn't|failed to) decrypt config|ask.password|RCLONE_CONFIG_PASS",
        Misconfigured,
        "rclone's configuration file is encrypted: give RCLONE_CONFIG_PASS as a secret of the job",
    ),
    (
        r"immutable file modified",
        Refused,
        "other bytes lie there already under the same name, and nothing was overwritten: another machine backs up "
        "to this prefix, or the store damaged them; choose another prefix, or look at them",
    ),
    (r"no space left on device|disk quota exceeded|too big for remaining disk space", NoRoom, "the disk is full"),
    (
        r"SlowDown|ServiceUnavailable|InternalError|StatusCode: 5\d\d|Too Many Requests|StatusCode: 429",
        Passing,
        "the store is overloaded or broken (500, 503 SlowDown)",
    ),
    (
        r"no such host|connection refused|no route to host|network is unreachable|dial tcp",
        NotReached,
        "the store cannot be reached: look at the endpoint and at the network here",
    ),
    (
        r"timeout|Timeout|deadline exceeded|connection reset|broken pipe|unexpected EOF|RequestTimeout|\bEOF\b",
        Passing,
        "the connection to the store broke or stood still",
    ),
    (
        r"BadDigest|corrupted on transfer|hashes differ|sizes differ|contents differ|md5|IncompleteBody",
        Passing,
        "the store has other bytes than were sent",
    ),
)  # fmt: skip


def explain(texts: Sequence[str], where: str, code: int = 1) -> WorkerError:
    """The gravest of what rclone said, as our error. ``where``: the remote."""
    for pattern, kind, words in _KNOWN:
        found = next((text for text in texts if re.search(pattern, text)), None)
        if found is not None:
            return kind(f"{where}: {words} [{shown(found)}]")
    last = shown(texts[-1]) if texts else "and said nothing"
    return Passing(f"{where}: rclone ended with {code}: {last}")


def differs(where: str, names: Sequence[str], how: str) -> CorruptData:
    """What was read back is not what was sent."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return CorruptData(f"{where}: {', '.join(names[:3])}{more}: {how}")


def shown(text: str) -> str:
    """One line, short, without what a signed address holds."""
    line = " ".join(_SIGNED.sub(r"\1=…", text).split())
    return line if len(line) <= _MOST_TEXT else line[: _MOST_TEXT - 1] + "…"
