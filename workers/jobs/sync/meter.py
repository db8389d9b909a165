"""How far one node's transfer is, over all its legs."""

from workers.jobs.errors import Refused
from workers.jobs.parts import Part
from workers.jobs.sync.arguments import Leg
from workers.jobs.sync.progress import Progress

_SLACK_BYTES = (
    1 << 30
)  # what live files may grow by between the survey and their turn, beside as much again


class Meter:
    """Adds up the legs: rsync counts each from nothing."""

    def __init__(self, part: Part, files: int, size: int) -> None:
        self._part = part
        self._total = size
        self._files = self._bytes = 0  # of the legs that ended
        part.say(done=0, total=files, unit="file", bytes=0, bytes_total=size)

    def say(self, message: str) -> None:
        if message != self._part.message:
            self._part.say(message=message)

    def progress(self, seen: Progress) -> None:
        """As rsync says it. Its own ETA knows only the leg: ours is of all that is left.

        Raises Refused where a node sends far more than it listed: nobody has looked whether that fits.
        """
        if self._bytes + seen.bytes > 2 * self._total + _SLACK_BYTES:
            raise Refused("it sends far more than it listed; nothing of it was taken")
        size = min(self._total, self._bytes + seen.bytes)
        rate = seen.rate_bytes_s
        eta = (self._total - size) / rate if rate > 0 else None
        said = {"bytes": size, "rate_bytes_s": rate, "eta_s": eta}
        if seen.files is not None:
            said["done"] = self._files + seen.files
        self._part.say(**said)

    def leg_ended(self, leg: Leg) -> None:
        self._files += len(leg.names)
        self._bytes += leg.size
