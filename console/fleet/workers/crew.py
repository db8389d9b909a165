"""The workers of one node over time: what was seen of each, and how each stands now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from console.fleet.history import NodeHistory
from console.fleet.model import Node
from console.fleet.rules import AlertRules, Rule
from console.fleet.workers import health
from console.fleet.workers.health import Facts, Peer, Verdict, judge
from console.fleet.workers.reported import (
    aged,
    copies_of,
    done_of,
    eta_s,
    is_reachable,
    newest_runs,
    over_s,
)
from console.fleet.workers.track import Track
from console.fleet.workers.under import disk_trouble
from console.fleet.workers.view import LIVE, WorkerView, group_of
from workers.protocol import WorkerRecord, WorkerReport

_DATASET_WINDOW_S = 600.0
_LOOK_AGAIN_S = 2.0  # without a new report: quiet times grow, other workers' rates change
_VIEWS_AGE_S = 0.5
_GAP_S = 10.0  # a longer time between two looks was not watched
_SPOKEN_S = 120.0  # a rate that a worker said longer ago is no rate of now

Peers = Mapping[str, Sequence[tuple[str, Peer]]]  # group: (run id, its rate)


class Crew:
    """Mutated only by the store."""

    def __init__(self) -> None:
        self._tracks: dict[str, Track] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._rates: dict[str, tuple[float | None, int]] = {}
        self._watched_s = 0.0
        self._seen_at: float | None = None
        self._reachable = False
        self._basis: tuple[WorkerReport | None, bool, AlertRules] | None = None
        self._looked_at = 0.0
        self._made: tuple[Node, float, tuple[WorkerView, ...]] | None = None

    # ------------------------------------------------------------ looking

    def look(
        self, node: Node, history: NodeHistory, rules: AlertRules, peers: Peers, now: float
    ) -> None:
        """Measures and judges every run as it is known now; where nothing is new, at most every so often."""
        report, reachable = node.workers, is_reachable(node)
        basis = (report, reachable, rules)
        if basis == self._basis and 0.0 <= now - self._looked_at < _LOOK_AGAIN_S:
            return
        self._basis, self._looked_at, self._made = basis, now, None
        self._watch(reachable, now)
        if report is None:
            return
        known = self._tracks
        self._tracks = {
            record.run_id: known.get(record.run_id) or Track(self._watched_s)
            for record in report.workers
        }
        sharing = copies_of(report.workers)
        for record in report.workers:
            if self._reachable:
                self._measure(node, history, record, sharing, now)
            self._verdicts[record.run_id] = self._judge(node, record, rules, peers, now)
        for gone in self._verdicts.keys() - self._tracks.keys():
            self._verdicts.pop(gone)
            self._rates.pop(gone, None)

    def _watch(self, reachable: bool, now: float) -> None:
        """Counts the time in which the node was seen; after a long gap every rate begins anew."""
        since_s = 0.0 if self._seen_at is None else max(0.0, now - self._seen_at)
        if reachable and self._reachable:
            self._watched_s += min(_GAP_S, since_s)
        elif reachable:
            for track in self._tracks.values():
                track.pace.missed(since_s)
        if reachable:
            self._seen_at = now
        self._reachable = reachable

    def _measure(
        self,
        node: Node,
        history: NodeHistory,
        record: WorkerRecord,
        sharing: Mapping[str, int],
        now: float,
    ) -> None:
        track = self._tracks[record.run_id]
        track.saw(record, now, self._watched_s)
        if record.state not in LIVE:
            self._rates.pop(record.run_id, None)
            return
        done = done_of(node, record)
        if done is not None:
            track.count(done, now, self._watched_s)
        rate, shared_by = self._rate(node, history, record, sharing, track, now)
        self._rates[record.run_id] = (rate, shared_by)
        track.pace.remember(rate, now)
        track.history.add(now, done, rate, record.cpu_percent, record.memory_bytes)

    def _rate(
        self,
        node: Node,
        history: NodeHistory,
        record: WorkerRecord,
        sharing: Mapping[str, int],
        track: Track,
        now: float,
    ) -> tuple[float | None, int]:
        """(units a minute, runs it is shared among): its own word, its own count, or a dataset's."""
        said = record.progress
        if said is not None and said.rate_per_minute is not None:
            age_s = aged(node, said.age_s, now)
            if age_s is None or age_s <= _SPOKEN_S:
                return said.rate_per_minute, 0
        if record.progress_dataset and (said is None or said.done is None):
            copies = sharing.get(record.progress_dataset, 1)
            hourly = history.dataset_rate(record.progress_dataset, _DATASET_WINDOW_S)
            return (None if hourly is None else hourly / 60.0 / copies), copies
        return track.pace.per_minute(now), 0

    def _judge(
        self, node: Node, record: WorkerRecord, rules: AlertRules, peers: Peers, now: float
    ) -> Verdict:
        """What has been judged for long enough; until then what was before, if it is no worse."""
        if not self._reachable:
            return judge(Facts(record, node.name, reachable=False), rules)
        track, watched_s = self._tracks[record.run_id], self._watched_s
        said = record.progress
        verdict = judge(
            Facts(
                record=record,
                node=node.name,
                per_minute=self._rates.get(record.run_id, (None, 0))[0],
                usual=track.pace.usual,
                quiet_s=track.quiet_s(watched_s),
                longest_gap_s=track.longest_gap_s,
                watched_s=watched_s - track.since,
                counted=done_of(node, record) is not None,
                status_age_s=aged(node, said.age_s, now) if said else None,
                log_age_s=aged(node, record.log_age_s, now),
                hung_s=track.hung_s(watched_s),
                crashes=track.crashes(now),
                disk=disk_trouble(node, record),
                peers=_others(peers.get(group_of(record), ()), (node.name, record.run_id)),
            ),
            rules,
        )
        held_s = track.held_s(verdict.health, watched_s)
        if held_s < _rule(verdict.health, rules).for_s:
            return Verdict(health.OK)
        return verdict

    def rates(self, node: Node) -> Iterable[tuple[str, str, Peer]]:
        """(group, run id, its rate) of each run whose rate is known now."""
        if not self._reachable or node.workers is None:
            return
        for record in node.workers.workers:
            rate = self._rates.get(record.run_id, (None, 0))[0]
            if record.state != "running" or rate is None:
                continue
            usual = self._tracks[record.run_id].pace.usual
            share = rate / usual if usual else None
            yield group_of(record), record.run_id, Peer(node.name, rate, share)

    # ------------------------------------------------------------ reading

    def views(self, node: Node, now: float, clock: float) -> tuple[WorkerView, ...]:
        """All runs that the node keeps, in the order it reports them: the newest first."""
        made = self._made
        if made is not None and made[0] is node and now - made[1] < _VIEWS_AGE_S:
            return made[2]
        report = node.workers
        if report is None:
            return ()
        newest = newest_runs(report.workers)
        views = tuple(self._view(node, r, now, clock, r.run_id in newest) for r in report.workers)
        self._made = (node, now, views)
        return views

    def _view(
        self, node: Node, record: WorkerRecord, now: float, clock: float, newest: bool
    ) -> WorkerView:
        reachable = is_reachable(node)
        seen_at = now if node.workers_seen_at is None else node.workers_seen_at
        track = self._tracks.get(record.run_id) or Track(0.0)
        verdict = self._verdicts.get(record.run_id, Verdict(health.UNKNOWN))
        rate, shared_by = self._rates.get(record.run_id, (None, 0))
        running_s = record.running_s
        if running_s is not None and record.state in LIVE and node.workers_at is not None:
            running_s += max(0.0, (now if reachable else seen_at) - node.workers_at)
        return WorkerView(
            node.name,
            record,
            health=verdict.health,
            reason=verdict.reason,
            per_minute=rate,
            usual_per_minute=track.pace.usual,
            shared_by=shared_by,
            eta_s=eta_s(record, rate),
            reachable=reachable,
            age_s=0.0 if reachable else max(0.0, now - seen_at),
            over_s=over_s(node, record, clock),
            running_s=running_s,
            newest=newest,
            history=track.history,
        )


def _others(peers: Iterable[tuple[str, Peer]], own: tuple[str, str]) -> tuple[Peer, ...]:
    return tuple(peer for run_id, peer in peers if (peer.node, run_id) != own)


_RULES = {
    health.SLOW: "worker_slow",
    health.STALLED: "worker_stalled",
    health.CRASH_LOOP: "worker_crash_loop",
    health.WRITER_BLOCKED: "worker_writer_blocked",
}
_AT_ONCE = Rule()


def _rule(word: str, rules: AlertRules) -> Rule:
    name = _RULES.get(word)
    return getattr(rules, name) if name else _AT_ONCE
