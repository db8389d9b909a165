"""The manifests of one dataset at one destination, as far as they were read: the ledger's memory of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from console.fleet.ledger import Consolidated
from workers.ledger.shapes import KINDS, SHARD, Aggregated, BackedUp, DataFile, Standing, Synced
from workers.ledger.standing import covering, newest_synced, standing


class Manifests:
    """Grows by what each look brings. `fault` says why the last look did not bring all."""

    def __init__(self) -> None:
        self.offsets = dict.fromkeys(KINDS, 0)
        self.fault = ""
        self._synced: dict[str, list[Synced]] = {}  # by node key, in the manifest's order
        self._aggregated: dict[str, list[Aggregated]] = {}
        self._backed_up: list[BackedUp] = []
        self._new: dict[int, int] = {}  # generation: records it added to the store
        self._aggregated_at: float | None = None

    def add(self, kind: str, entries: Iterable[Any]) -> None:
        """Takes the entries of one kind in, in the manifest's order."""
        for entry in entries:
            if isinstance(entry, Synced):
                self._synced.setdefault(entry.node_key, []).append(entry)
            elif isinstance(entry, Aggregated):
                self._aggregated.setdefault(entry.node_key, []).append(entry)
                self._new[entry.generation] = self._new.get(entry.generation, 0) + entry.new
                self._aggregated_at = max(self._aggregated_at or 0.0, entry.at)
            else:
                self._backed_up.append(entry)

    def thin_out(self) -> None:
        """Drops what proves nothing any more: a file's older entries, but for those that were aggregated.

        One that is aggregated afterwards all the same counts as not aggregated: never in doubt for the node.
        """
        for key, entries in self._synced.items():
            merged = {(e.path, e.bytes, e.hash) for e in self._aggregated.get(key, ())}
            newest = {entry.path: place for place, entry in enumerate(entries)}
            self._synced[key] = [
                entry
                for place, entry in enumerate(entries)
                if newest[entry.path] == place or (entry.path, entry.bytes, entry.hash) in merged
            ]

    def forget(self, kind: str) -> None:
        """The manifest was replaced: it is read from its beginning."""
        self.offsets[kind] = 0
        if kind == "synced":
            self._synced.clear()
        elif kind == "aggregated":
            self._aggregated.clear()
            self._new.clear()
            self._aggregated_at = None
        else:
            self._backed_up.clear()

    def standing(
        self, dataset: str, files: Sequence[DataFile], node_key: str, problem: str | None
    ) -> Standing:
        """What these manifests prove of a machine's files. `problem`: why the files are not all there are."""
        if self.fault:  # what was read before it proves nothing of what was written since
            return Standing(dataset, unknown=self.fault)
        return standing(
            files,
            self._synced.get(node_key, ()),
            self._aggregated.get(node_key, ()),
            self._backed_up,
            node_key,
            dataset,
            problem,
        )

    def proven(
        self, files: Sequence[DataFile], node_key: str
    ) -> Iterable[tuple[tuple[str, int], int]]:
        """((hash, bytes), records) of each file that is wholly synced, but for sealed shards."""
        newest = newest_synced(self._synced.get(node_key, ()), node_key)
        for file in files:
            proof = covering(file, newest.get(file.path))
            if proof.entry is not None and proof.bytes and file.kind != SHARD:
                yield (proof.entry.hash, proof.bytes), proof.records or 0

    def kept_here(self, name: str, paths: Collection[tuple[str, str]]) -> Standing:
        """What the machine with this destination holds merged, and nowhere else while it is not backed up.

        `name` is what it is called; `paths` are (node key, path) of files that are counted by themselves.
        Bytes are those of the files that were merged.
        """
        if self.fault:
            return Standing(name, unknown=self.fault)
        safe = max((entry.generation for entry in self._backed_up), default=-1)
        merged = [
            entry
            for entries in self._aggregated.values()
            for entry in entries
            if entry.new and (entry.node_key, entry.path) not in paths
        ]
        alone = [entry for entry in merged if entry.generation > safe]
        return Standing(
            name,
            *_sums(merged),
            not_backed_up_records=_sums(alone)[0],
            not_backed_up_bytes=_sums(alone)[1],
            not_backed_up_files=_sums(alone)[2],
            last_backed_up_at=max((entry.at for entry in self._backed_up), default=None),
        )

    def consolidated(self, dataset: str, repeated: int, clock: float) -> Consolidated:
        """What lies at the destination; unknown where the last look failed."""
        if self.fault:
            return Consolidated(dataset, unknown=self.fault, clock=clock)
        safe = max((entry.generation for entry in self._backed_up), default=-1)
        return Consolidated(
            dataset,
            aggregated_records=sum(self._new.values()),
            backed_up_records=sum(new for number, new in self._new.items() if number <= safe),
            last_aggregated_at=self._aggregated_at,
            last_backed_up_at=max((entry.at for entry in self._backed_up), default=None),
            repeated_records=repeated,
            clock=clock,
            unknown=None,
        )


def _sums(entries: Sequence[Aggregated]) -> tuple[int, int, int]:
    """Records, bytes, files."""
    return sum(e.new for e in entries), sum(e.bytes for e in entries), len(entries)
