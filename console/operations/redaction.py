"""Secrets out of what is written down: by the name of a key, by the look of a value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

HIDDEN = "«hidden»"

_MOST_CHARACTERS = 10_000  # looked at and kept; patterns over endless text take endless time

_WORD = (
    r"(?:passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|authorization|auth(?![a-z]))"
)
_NAMED = re.compile(_WORD, re.I)
_ASSIGNED = re.compile(
    rf"({_WORD}[A-Za-z0-9_-]{{0,40}}\s{{0,4}}[=:]\s{{0,4}})(\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)", re.I
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
_IN_URL = re.compile(r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://)[^/@\s]+@")
_REFERENCES = ("from_env", "from_file")
_BEYOND_HOST = re.compile(r"^(https?://[^/?#]*[/?#]).+")
_KNOWN_FORMS = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bglpat-[A-Za-z0-9_-]{16,}\b"
    r"|\bhf_[A-Za-z0-9]{20,}\b|\bsk-[A-Za-z0-9_-]{20,}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
)


def redact(text: str) -> str:
    """`text` with what looks like a secret hidden."""
    text = _PEM.sub(HIDDEN, text[:_MOST_CHARACTERS])
    text = _BEARER.sub(lambda match: f"{match[1]} {HIDDEN}", text)
    text = _ASSIGNED.sub(lambda match: match[1] + HIDDEN, text)
    text = _IN_URL.sub(lambda match: f"{match[1]}{HIDDEN}@", text)
    return _KNOWN_FORMS.sub(HIDDEN, text)


def redact_tree(value: Any, key: str = "") -> Any:
    """Settings as plain data with secrets hidden: texts under such a name, addresses beyond their host."""
    if isinstance(value, Mapping):  # a reference says where a secret is, and not what
        return {
            name: redact_tree(child, "" if name in _REFERENCES else str(name))
            for name, child in value.items()
        }
    if isinstance(value, (list, tuple)):
        texts = all(isinstance(child, str) for child in value)
        return redact_argv(value) if texts else [redact_tree(child, key) for child in value]
    if not isinstance(value, str):
        return value
    if _NAMED.search(key):
        return HIDDEN
    return redact(_BEYOND_HOST.sub(rf"\1{HIDDEN}", value))


def redact_argv(argv: Sequence[str]) -> list[str]:
    """Each word redacted; the word after `--token` and the like is hidden whole."""
    found: list[str] = []
    hide_next = False
    for word in argv:
        found.append(HIDDEN if hide_next else redact(word))
        option = word.startswith("-") and "=" not in word
        hide_next = not hide_next and option and _NAMED.search(word) is not None
    return found
