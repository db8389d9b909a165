"""Which of the files to push go to one node, decided file by file. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workers.jobs.sync.arguments import Leg
from workers.jobs.sync.pushed import Pushed, There
from workers.jobs.sync.tally import shown


class Share(NamedTuple):
    """What goes to one node. ``refused``: name and why; ``home``: of the account there."""

    home: str
    files: tuple[Pushed, ...]
    unchanged: int
    refused: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)

    def legs(self) -> list[Leg]:
        """One for each folder they lie in here."""
        return [
            Leg(
                base,
                "/" if base == "/" else self.home,
                tuple(file.name for file in files),
                sum(file.size for file in files),
                private=False,
                newer_stays=True,
            )
            for base, files in by_base(self.files).items()
        ]


def by_base(files: Sequence[Pushed]) -> dict[str, list[Pushed]]:
    bases: dict[str, list[Pushed]] = {}
    for file in files:
        bases.setdefault(file.base, []).append(file)
    return bases


def share(home: str, files: Sequence[Pushed], there: Mapping[tuple[str, str], There]) -> Share:
    """Which files go, decided one by one. Pure. ``there``: (base, name) → file; times are known to the second."""
    going: list[Pushed] = []
    refused: list[str] = []
    unchanged = 0
    for file in files:
        known = there.get((file.base, file.name))
        seconds = file.mtime_ns // 10**9
        if known is None:
            going.append(file)
        elif (known.size, known.mtime_s) == (file.size, seconds):
            unchanged += 1
        elif known.mtime_s > seconds or known.size > file.size:
            word = "newer" if known.mtime_s > seconds else "larger"
            refused.append(
                f"{shown(file.name)}: {word} there; move it away there to let this one in"
            )
        else:
            going.append(file)
    return Share(home, tuple(going), unchanged, tuple(refused))
