"""When lines come faster than anyone reads: how many are shown. All of them stay in the log on the node."""

from __future__ import annotations

LINES_A_FRAME = 1500  # that are worked on; a person sees about 60
_PATIENCE = 30  # frames of full work, two seconds, before lines are left out: a log that is opened is no flood
_LEFT = 24  # fewer of late, and the flood is over


class Flood:
    """Decides frame by frame. A burst is worked off; only what goes on is thinned."""

    def __init__(self, lines_a_frame: int = LINES_A_FRAME) -> None:
        self.lines_a_frame = lines_a_frame
        self.one_in = 1
        self._full = 0

    def decide(self, waiting: int) -> int:
        """Of the lines that wait now one in so many is to be shown; 1 is all of them."""
        behind = waiting > self.lines_a_frame * 2
        self._full = min(self._full + 1, _PATIENCE) if behind else max(0, self._full - 1)
        on = self._full >= (_PATIENCE if self.one_in == 1 else _LEFT)
        if not on:
            self.one_in = 1
        else:
            self.one_in = max(2, -(-waiting // self.lines_a_frame))
        return self.one_in
