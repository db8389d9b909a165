"""What a machine answers, checked before anything is made of it: a node may be anybody's.

Standard library only, Python 3.9.
"""

from typing import Any, List, Optional, Tuple, Type, TypeVar

from workers.errands.faults import CODES, ErrandFailed
from workers.ledger.names import UnsafeName, check_path

MOST_FILES = 5_000_000  # of one listing
_TEXT = 600  # characters of anything for people
_MOST = 2**63
_KINDS = {
    str: (str,),
    int: (int,),
    bool: (bool,),
    Optional[int]: (int, type(None)),
}

Shape = TypeVar("Shape")


def row_of(shape: Type[Shape], row: Any, name: str) -> Shape:
    """A named tuple from a JSON array, every type checked. Raises ErrandFailed."""
    kinds = list(shape.__annotations__.values())
    if type(row) is not list or len(row) != len(kinds):
        raise _none(name, shape)
    for value, kind in zip(row, kinds):
        if type(value) not in _KINDS[kind]:
            raise _none(name, shape)
        if type(value) is int and not -1 <= value < _MOST:
            raise _none(name, shape)
    return shape(*row)


def field(body: Any, key: str, kind: Type[Shape], name: str) -> Shape:
    """A member of a JSON object. Raises ErrandFailed."""
    value = body.get(key) if type(body) is dict else None
    if type(value) is not kind:
        raise ErrandFailed("failed", f"{name}: its answer has no {key}")
    return value


def absolute(path: str, name: str) -> str:
    """A path on that machine, which stands in commands. Raises ErrandFailed."""
    try:
        check_path(path)
        if path.startswith("/"):
            return path
    except UnsafeName:
        if path == "/":
            return path
    raise ErrandFailed("unsafe_name", f"{name}: {words(path)!r} is no path of a folder, refused")


def is_safe_path(path: str) -> bool:
    try:
        check_path(path)
    except UnsafeName:
        return False
    return True


def failed(said: Any, name: str) -> ErrandFailed:
    """The refusal of a request."""
    if type(said) is not list or len(said) != 2 or said[0] not in CODES:
        return ErrandFailed("failed", f"{name}: refused, and does not say why")
    return ErrandFailed(said[0], f"{name}: {words(said[1])}")


def texts(said: Any) -> Tuple[str, ...]:
    """Lines for people; no more than a person reads."""
    if type(said) is not list:
        return ("it does not say what it could not list",)
    return tuple(words(text) for text in said[:60])


def words(said: Any) -> str:
    """Printable, on one line, and not endless."""
    found: List[str] = [c if c.isprintable() else ascii(c)[1:-1] for c in str(said)[:_TEXT]]
    return "".join(found)


def _none(name: str, shape: Any) -> ErrandFailed:
    return ErrandFailed("failed", f"{name}: answered what is no {shape.__name__}")
