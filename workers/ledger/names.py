"""Names that came from a node, checked before they form a path anywhere else. Pure.

Standard library only, Python 3.9.
"""

import re

CONSOLIDATED = "consolidated"
OWN = ".quarterdeck"
MARKER = OWN + "/destination.json"  # says of a folder that it is a destination
NODES = OWN + "/nodes"  # below a dataset's folder: a file for each node whose copies lie beside
OUTSIDE = "_root"  # below it lie the files whose path on the node is absolute
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}\Z", re.ASCII)
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.@+=, -]{0,200}"
_PLAIN = re.compile(rf"/?{_PART}(?:/{_PART})*\Z", re.ASCII)  # most are: one look is enough
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_BYTES = 3072  # of a path; a file system takes 4096 with the destination before it
_MOST_NAME_BYTES = 255


class UnsafeName(ValueError):
    """A name that may not form a path; the text says which one and why."""


def check_path(path: str) -> str:
    """The path itself. Raises UnsafeName for an empty part, ``.`` or ``..``, and for what no file should be
    called: control characters, what is no UTF-8, what is too long.
    """
    fault = _fault(path)
    if fault:
        raise UnsafeName(f"{shown(path)}: {fault}, refused")
    return path


def check_name(name: str, what: str) -> str:
    """The name of a node or a dataset, which becomes one folder. Raises UnsafeName."""
    if not _NAME.match(name):
        text = "letters, digits, _ . @ + and - only, at most 128, not a leading . or -"
        raise UnsafeName(f"{what} {shown(name)}: {text}")
    return name


def place_of(dataset: str, node: str, path: str) -> str:
    """Where a node's file lies, relative to the destination. Raises UnsafeName."""
    check_name(dataset, "the dataset")
    check_name(node, "the node")
    if node == CONSOLIDATED:
        raise UnsafeName(f"the node {node}: its folder is that of the consolidated store")
    check_path(path)
    inner = OUTSIDE + path if path.startswith("/") else path
    return f"{dataset}/{node}/{inner}"


def shown(name: str) -> str:
    """A hostile name for a message: quoted, every odd character escaped, shortened."""
    text = ascii(name)
    return text if len(text) <= 200 else text[:200] + "…"


def plain(path: str) -> str:
    """A path for a message: as it is where it is harmless, else as ``shown``."""
    return shown(path) if _fault(path) else path


def _fault(path: str) -> str:
    if len(path) < _MOST_BYTES and _PLAIN.match(path):
        return ""
    if not path or path == "/":
        return "no path"
    parts = path[1:].split("/") if path.startswith("/") else path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "a part that is empty, . or .."
    if _CONTROL.search(path):
        return "control characters"
    if _SURROGATE.search(path):
        return "not UTF-8"
    if len(path.encode()) > _MOST_BYTES:
        return "too long"
    if any(len(part.encode()) > _MOST_NAME_BYTES for part in parts):
        return "a part that is too long"
    return ""
