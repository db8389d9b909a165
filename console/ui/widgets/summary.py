"""The two lines at the top: the fleet in numbers, and what is worst in one sentence with its key."""

from __future__ import annotations

from rich.cells import cell_len
from textual.strip import Strip

from console.fleet.jobs import RunningJobs
from console.fleet.summary import FleetSummary
from console.fleet.workers.groups import RUN, UNSEEN, is_bad
from console.formatting import percent, short_count, size
from console.ui.glyphs import Glyphs
from console.ui.lines import length
from console.ui.paint import Inks, Piece, fit, strip
from console.ui.widgets.painted import Painted

_UNWELL = "unwell"
_BAR = 5  # cells: so much of the jobs' work


class SummaryLine(Painted):
    """Only facts that exist: a fleet without GPUs has no GPU figure, one without counts no rate."""

    DEFAULT_CSS = "SummaryLine { dock: top; height: 2; background: $panel; }"
    paper = "panel"

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        self.refresh()

    def draw_line(self, y: int, width: int) -> Strip:
        inks, glyphs = self.inks, self.glyphs
        return self._facts(width, inks, glyphs) if y == 0 else self._worst(width, inks, glyphs)

    def _facts(self, width: int, inks: Inks, glyphs: Glyphs) -> Strip:
        """With less room the words of workers are fewer, then those of nodes, then the bar goes; then the end is cut."""
        summary = self.console_app.summary()
        apart: Piece = (f" {glyphs.bar} ", inks.faint)
        notes = "  ".join(self.console_app.notes())
        room = max(0, width - len(notes) - (2 if notes else 0))
        rest = self._rest(summary, apart)
        brief = _shortened(summary.workers)
        looks = (
            (True, summary.workers, True),
            (True, brief, True),
            (False, brief, True),
            (False, brief, False),
        )
        for states, workers, bars in looks:
            pieces = [
                *self._of_nodes(summary, apart, states),
                *self._of_workers(workers, apart),
                *self._of_jobs(summary.jobs, apart, bars),
                *rest,
            ]
            if length(pieces) <= room:
                break
        left = strip(pieces, room, inks.text)
        return Strip.join(
            [left, strip([(f" {notes} ", inks.key)], width - left.cell_length, inks.text)]
        )

    def _of_nodes(self, summary: FleetSummary, apart: Piece, words: bool) -> list[Piece]:
        inks, glyphs = self.inks, self.glyphs
        all_up = summary.nodes_up == summary.nodes_total
        pieces: list[Piece] = [
            (" quarterdeck ", inks.title),
            apart,
            (f"{summary.nodes_up}/{summary.nodes_total}", inks.good if all_up else inks.warn),
            (" nodes up", inks.dim),
        ]
        for word, count in sorted(summary.states):
            if word != "up":
                said = f" {word}" if words else ""
                pieces.append((f"  {glyphs.state(word)} {count}{said}", inks.state(word)))
        return pieces

    def _rest(self, summary: FleetSummary, apart: Piece) -> list[Piece]:
        """GPUs, records an hour, what is not synced, alerts."""
        inks, glyphs = self.inks, self.glyphs
        pieces: list[Piece] = []
        if summary.gpus_total:
            pieces += [
                apart,
                ("GPU ", inks.dim),
                (f"{summary.gpus_busy}/{summary.gpus_total}", inks.text),
                (" busy", inks.dim),
            ]
        if summary.records_per_hour is not None:
            rate = short_count(summary.records_per_hour)
            pieces += [apart, (rate, inks.text), (" records/h", inks.dim)]
        if summary.unsynced_bytes is not None:
            pieces += [apart, (size(summary.unsynced_bytes), inks.text), (" unsynced", inks.dim)]
        if summary.alerts_active:
            tint = inks.warn if summary.alerts_unacknowledged else inks.dim
            text = (
                f"{glyphs.alert} {summary.alerts_active} alert{'s'[: summary.alerts_active != 1]}"
            )
            pieces += [apart, (text, tint)]
        return pieces

    def _of_workers(self, counted: tuple[tuple[str, int], ...], apart: Piece) -> list[Piece]:
        """`workers 61 run  2 stalled`; nothing where no node has any."""
        if not counted:
            return []
        inks = self.inks
        pieces: list[Piece] = [apart, ("workers", inks.dim)]
        for word, count in counted:
            tint = (
                inks.bad
                if is_bad(word) or word == _UNWELL
                else inks.text
                if word == RUN
                else inks.warn
            )
            pieces += [(f" {count}", tint), (f" {word}", tint if tint is inks.bad else inks.dim)]
        return pieces

    def _of_jobs(self, jobs: RunningJobs, apart: Piece, bar: bool) -> list[Piece]:
        """`jobs 1 ▓▓▓▓░ 62 %`: those that run; nothing where none does."""
        if not jobs.running:
            return []
        inks, glyphs = self.inks, self.glyphs
        tint = inks.warn if jobs.unwell else inks.text
        pieces: list[Piece] = [apart, ("jobs ", inks.dim), (f"{jobs.running}", tint)]
        if jobs.share is not None:
            filled = min(_BAR, int(_BAR * jobs.share + 0.5))
            if bar:
                pieces += [
                    (" " + glyphs.shade * filled, inks.good),
                    (glyphs.light * (_BAR - filled), inks.faint),
                ]
            said = percent(100 * jobs.share)
            pieces.append((f" {said if bar else said.replace(' ', '')}", inks.text))
        return pieces

    def _worst(self, width: int, inks: Inks, glyphs: Glyphs) -> Strip:
        worst = self.console_app.summary().worst
        if worst is None:
            return strip([(f" {self._calm(glyphs)}", inks.dim)], width, inks.text)
        more = " 7 all alerts " if self.console_app.screen_built("alerts") else ""
        tint = inks.severity(worst.severity.value)
        room = max(10, width - len(more) - 3)
        said = f"{worst.node}: {worst.text}"
        fix = f" {glyphs.arrow} {worst.key} {worst.help}" if worst.key else ""
        if cell_len(said) + len(fix) > room:  # the reason matters more than what the key does
            fix = f" {glyphs.arrow} {worst.key}" if worst.key else ""
        said = fit(said, min(cell_len(said), room - len(fix)))
        return strip(
            [
                (f" {glyphs.alert} ", tint),
                (said, tint),
                (fit(fix, len(fix)), inks.key),
                (" " * max(0, room - cell_len(said) - len(fix)), inks.text),
                (more, inks.dim),
            ],
            width,
            inks.text,
        )

    def _calm(self, glyphs: Glyphs) -> str:
        """What to say without an alert: a node not heard of is no good news."""
        summary = self.console_app.summary()
        silent = summary.nodes_total - summary.nodes_up
        if not summary.nodes_total:
            return "no nodes: name hosts on the command line, or `quarterdeck nodes add`"
        if silent:
            return f"{glyphs.connecting} waiting for {silent} of {summary.nodes_total} nodes"
        return f"{glyphs.good} nothing is wrong"


def _shortened(counted: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    """What runs, what needs a person, and what is not seen: where there is no room for each word."""
    unwell = sum(count for word, count in counted if is_bad(word))
    kept = dict(counted)
    told = ((RUN, kept.get(RUN, 0)), (_UNWELL, unwell), (UNSEEN, kept.get(UNSEEN, 0)))
    return tuple((word, count) for word, count in told if count)
