"""How many of the newest games are learned from."""

from typing import NamedTuple

from workers.harness import Misconfigured


class PowerLaw(NamedTuple):
    """KataGo's window (arXiv 1902.10565, appendix C): c * (1 + beta * ((n / c) ** alpha - 1) / alpha) of the
    n games there are; all of them up to c."""

    c: float = 5_000
    alpha: float = 0.75
    beta: float = 0.4

    def games(self, there: int) -> int:
        if there <= self.c:
            return there
        grown: float = ((there / self.c) ** self.alpha - 1) / self.alpha
        return min(there, int(self.c * (1 + self.beta * grown)))


class Fixed(NamedTuple):
    newest: int

    def games(self, there: int) -> int:
        return min(there, self.newest)


Window = PowerLaw | Fixed


def parse(text: str) -> Window:
    """``20000``, ``power`` or ``power:C,ALPHA,BETA``. Raises Misconfigured."""
    word, _, numbers = text.partition(":")
    try:
        found: Window = Fixed(int(text)) if word != "power" else _power(numbers)
    except (ValueError, TypeError) as error:
        raise Misconfigured(
            f"window {text!r}: write a number of games, or power:C,ALPHA,BETA"
        ) from error
    if min(found) <= 0:
        raise Misconfigured(f"window {text!r}: its numbers are above 0")
    return found


def _power(numbers: str) -> PowerLaw:
    return PowerLaw(*map(float, numbers.split(","))) if numbers else PowerLaw()
