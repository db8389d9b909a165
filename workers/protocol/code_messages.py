"""The messages that bring our own workers' code to a node, once for each release."""

from typing import NamedTuple, Tuple


class StoreCode(NamedTuple):
    """Keep this bundle; without ``pieces`` it only asks. Answered by ``CodeStored``; Failure "bad_request"
    where the bytes are not what the digest says."""

    digest: str  # SHA-256 in hexadecimal
    pieces: Tuple[str, ...] = ()  # base64 each, in order, of the whole bundle


class CodeStored(NamedTuple):
    present: bool  # whole, and verified when it came
