"""How far one node's records are in the two passes, and how long they still take."""

READING, WRITING = "reading", "writing"
_READING_SHARE = 0.4  # of the time
_EVERY_S = 0.5


class Pace:
    """Counts records. ``total`` None: nobody knows how many there are. Any thread may count: one does at a time."""

    def __init__(self, total: int | None) -> None:
        self.total = total
        self.counts = {READING: 0, WRITING: 0}
        self._began_at: float | None = None
        self._said_at = 0.0

    def count(self, what: str, records: int) -> None:
        self.counts[what] += records

    def due(self, now: float) -> bool:
        """Whether it is time to say something; ``now`` is monotonic, in seconds."""
        self._began_at = now if self._began_at is None else self._began_at
        if now - self._said_at < _EVERY_S:
            return False
        self._said_at = now
        return True

    def eta_s(self, now: float) -> float | None:
        """Seconds; None before anything is known."""
        if not self.total or self._began_at is None:
            return None
        share = self.counts[READING] * _READING_SHARE + self.counts[WRITING] * (1 - _READING_SHARE)
        part = min(1.0, share / self.total)
        return (now - self._began_at) * (1 - part) / part if part else None
