"""What a train job is told: the options of its document, with every path made whole."""

import os
from dataclasses import dataclass

from workers.harness import Misconfigured
from workers.jobs.document import Document
from workers.jobs.train.paths import Unmapped, is_windows, to_wsl

STANDARD, NATIVE, WSL = MODES = ("standard", "native_sync", "wsl_sync")
RESULTS = ("*.safetensors", "adapter_config.json")
_ANY_PYTHON = ("python", "python3")
DATA = "{data}"
"""In a word of the command: the folder the training reads."""


@dataclass(frozen=True)
class Orders:
    """``source``, ``back`` and ``fast`` as the side calls them on which they lie; ``source`` is the same place as
    ``named``, which is how a person called it."""

    mode: str
    named: str
    source: str
    fast: str
    back: str
    results: tuple[str, ...]
    command: tuple[str, ...]
    python: tuple[str, ...]
    distro: str
    source_in_wsl: bool
    back_in_wsl: bool

    @property
    def pythons(self) -> tuple[str, ...]:
        """What may take the place of the word `python`."""
        return self.python or _ANY_PYTHON

    @property
    def far(self) -> bool:
        """It trains on the other side of WSL."""
        return self.mode == WSL


def orders_of(document: Document) -> Orders:
    """Raises Misconfigured."""
    fields = document.fields()
    mode = fields.text("mode", STANDARD)
    if mode not in MODES:
        raise fields.wrong("mode", f"one of {', '.join(MODES)}")
    command = fields.texts("command")
    results = fields.texts("results", RESULTS)
    if not command or not all(command):
        raise fields.wrong("command", "a command, word by word,")
    if not results or any(_odd(pattern) for pattern in results):
        raise fields.wrong(
            "results", "patterns of files such as '*.safetensors', relative to the source,"
        )
    distro = fields.text("wsl_distro", "") if mode == WSL else ""
    root = document.host(document.here).root
    named = fields.text("source")
    back = fields.text("results_to", "") or named
    source, source_in_wsl = _place(named, root, distro)
    found, back_in_wsl = _place(back, root, distro)
    fast = "" if mode == STANDARD else fields.text("fast")
    orders = Orders(
        mode, named, source, _fast(fast, root, distro), found, results, command,
        fields.texts("python", ()), distro, source_in_wsl, back_in_wsl,
    )  # fmt: skip
    _apart(orders)
    return orders


def _odd(pattern: str) -> bool:
    return not pattern or pattern.startswith(("/", "-")) or ".." in pattern.split("/")


def _place(path: str, root: str, distro: str) -> tuple[str, bool]:
    """A path as its side calls it, and whether that is WSL's."""
    if not is_windows(path):
        return _whole(path, root), False
    if path[:2] in ("\\\\", "//") and "wsl" in path[:18].lower():
        if not distro:
            raise Misconfigured(f"{path}: lies in WSL; mode wsl_sync trains there")
        return _mapped(path, distro), True
    return (path if os.name == "nt" else _mapped(path, distro or "WSL")), False


def _fast(path: str, root: str, distro: str) -> str:
    if not path:
        return ""
    return _mapped(path, distro) if distro else _whole(path, root)


def _mapped(path: str, distro: str) -> str:
    try:
        return to_wsl(path, distro)
    except Unmapped as error:
        raise Misconfigured(str(error)) from None


def _whole(path: str, root: str) -> str:
    if os.name == "nt":
        return os.path.abspath(os.path.expanduser(path))
    return os.path.normpath(os.path.join(os.path.expanduser(root), os.path.expanduser(path)))


def _apart(orders: Orders) -> None:
    """Raises Misconfigured where the mirror would lie in the source, or the other way round."""
    if not orders.fast or orders.far:
        return
    source, fast = (os.path.realpath(path) for path in (orders.source, orders.fast))
    if os.path.commonpath((source, fast)) in (source, fast):
        raise Misconfigured(
            f"{orders.fast}: the fast folder and the source {orders.source} must lie apart"
        )
