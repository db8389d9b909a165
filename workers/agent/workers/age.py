"""How long ago a file last changed, told so that a jump of the wall clock makes nothing old or young."""

from typing import NamedTuple, Optional


class FileAge(NamedTuple):
    """A change and when it was seen. The wall clock is asked once, for what changed before we looked."""

    stamp: int = -1  # st_mtime_ns of the change, or any number that changes with it
    before_s: float = 0.0  # how old the change was when it was first seen
    seen_at: float = 0.0  # boottime

    def looked(self, stamp: int, mtime: float, wall: float, now: float, past_s: Optional[float]) -> "FileAge":  # fmt: skip
        """After one more look. ``past_s`` is the time since the look before, None at the first."""
        if stamp == self.stamp:
            return self
        before_s = max(0.0, wall - mtime)
        return FileAge(stamp, before_s if past_s is None else min(before_s, past_s), now)

    def age_s(self, now: float) -> float:
        """Seconds by the clock since boot."""
        return max(0.0, now - self.seen_at) + self.before_s
