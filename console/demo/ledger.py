"""The ledger of the demo: a machine's data files, and the manifests that the storage machine would have of them.

Each dataset of a machine is a few old files and one that grows. What grows was last synced some minutes
ago; a few machines are far behind. `t` and `epoch` as in `facts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache

from console.demo import facts
from console.demo.machines import Machine, machine
from console.demo.noise import identifier
from workers.ledger.shapes import LINES, Aggregated, BackedUp, DataFile, Synced, encode, encode_file
from workers.protocol import FileList, ListFiles, ManifestPart, ReadManifest

STORE = "/tank/quarterdeck"
_OLD_FILES = 7
_OLD_SHARE = 0.9  # of the records
_RUN = "demo"
_SYNC = (1200.0, 660.0)  # every so many seconds; so long ago when the demo began
_AGGREGATE = (3600.0, 2400.0)
_BACKUP = (3600.0, 1800.0)
_BEHIND_S = {"gpu-3": 9 * 3600.0, "cpu-1": 26 * 3600.0, "lambda-2": 6 * 3600.0}
_NEVER_SYNCED = {"gpu-3": 0.14}  # share of what it holds
_DAY_NS = 86_400 * 10**9


def listing(index: int, ask: ListFiles, t: float, epoch: float) -> FileList:
    """All files of the dataset whose folder the question names; some that cannot be read are told."""
    name = _dataset_in(ask.paths)
    this = machine(index)
    found = _files(index, name, t, epoch)
    torn = this.name in ("vast-1", "gpu-3") and name == "hex8_2p"
    return FileList(
        tuple(encode_file(file) for file in found if file.path > ask.after),
        None,
        ("data/selfplay/hex8_2p/open/118.jsonl: last line torn",) if torn else (),
        _node_key(index),
        10**12,
    )


def manifest(ask: ReadManifest, machines: int, t: float, epoch: float) -> ManifestPart:
    """All lines at once, anew with each run of the job that writes them; none where nothing changed."""
    if ask.destination != STORE:
        return ManifestPart(exists=False, present=False)
    rhythm = {"synced": _SYNC, "aggregated": _AGGREGATE, "backed_up": _BACKUP}[ask.kind]
    offset = int(epoch + _last(rhythm, t))
    if ask.offset == offset:
        return ManifestPart(offset=offset)
    entries = _entries(ask.kind, ask.dataset, machines, t, epoch)
    lines = tuple(encode(entry).decode("ascii").rstrip("\n") for entry in entries)
    return ManifestPart(lines, offset, anew=True)


def _entries(
    kind: str, dataset: str, machines: int, t: float, epoch: float
) -> Iterable[Synced | Aggregated | BackedUp]:
    if kind == "backed_up":
        at = epoch + _last(_BACKUP, t)
        return [BackedUp(17, ":s3:quarterdeck-backup/games", 48, 61 * 10**9, identifier("g"), at)]
    holders = [n for n in range(machines) if any(d[0] == dataset for d in machine(n).data)]
    if kind == "synced":
        return [entry for n in holders for entry in _synced(n, dataset, t, epoch)]
    return [_merged(entry) for n in holders for entry in _old_enough(n, dataset, t, epoch)]


def _synced(index: int, dataset: str, t: float, epoch: float) -> Iterator[Synced]:
    """As the last aggregation found it, then as the last sync left it."""
    yield from _old_enough(index, dataset, t, epoch)
    last = _last(_SYNC, t) - _behind_s(machine(index))
    yield _entry(index, _kept(index, dataset, last, epoch)[-1], epoch + last)


def _old_enough(index: int, dataset: str, t: float, epoch: float) -> Iterator[Synced]:
    last = _last(_AGGREGATE, t) - 60.0 - _behind_s(machine(index))
    for file in _kept(index, dataset, last, epoch):
        yield _entry(index, file, epoch + last)


def _kept(index: int, dataset: str, t: float, epoch: float) -> list[DataFile]:
    """The files as a sync found them then; one that has troubles did not bring all."""
    found = _files(index, dataset, t, epoch)
    lost = _NEVER_SYNCED.get(machine(index).name, 0.0)
    if lost:
        last = found[-1]
        records = max(1, (last.records or 0) - int(lost * sum(f.records or 0 for f in found)))
        size = last.size // max(1, last.records or 1) * records
        found[-1] = last._replace(records=records, size=size, prefix_bytes=size)
    return found


def _entry(index: int, file: DataFile, at: float) -> Synced:
    key = _node_key(index)
    mark = hashlib.blake2b(f"{index} {file.path} {file.size}".encode(), digest_size=16).hexdigest()
    return Synced(
        machine(index).name, key, file.path, file.size, file.records, mark,
        file.mtime_ns, file.size, at, _RUN,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _node_key(index: int) -> str:
    return facts.hello(index).node_key


def _merged(entry: Synced) -> Aggregated:
    """The workstation's are copies of what the storage machine has."""
    records = entry.records or 0
    new = 0 if entry.node == "home" and "hex8_2p" in entry.path else records
    return Aggregated(
        entry.node, entry.node_key, entry.path, entry.bytes, entry.hash, records, 17, new,
        records - new, 0, entry.at + 60.0, _RUN,
    )  # fmt: skip


def _files(index: int, dataset: str, t: float, epoch: float) -> list[DataFile]:
    held = next((d for d in machine(index).data if d[0] == dataset), None)
    if held is None:
        return []
    _, records, rate = held
    each = int(records * _OLD_SHARE) // _OLD_FILES
    growing = max(1, records + int(rate * t / 3600) - each * _OLD_FILES)
    began_ns = int(epoch) * 10**9
    # Its time goes with its records, so that one that did not grow is the same file.
    grown_ns = began_ns + (int((growing + 1) / rate * 3600e9) - 10**17 if rate else -10 * _DAY_NS)
    size = 2_150 if "square19" in dataset else 1_380
    old = [
        _file(dataset, place, each, size, began_ns - (30 - place) * _DAY_NS)
        for place in range(_OLD_FILES)
    ]
    return [*old, _file(dataset, _OLD_FILES, growing, size, abs(grown_ns))]


def _file(dataset: str, place: int, records: int, each: int, mtime_ns: int) -> DataFile:
    size = records * each
    return DataFile(
        f"data/selfplay/{dataset}/{place:03}.jsonl", size, size, records, mtime_ns, "", LINES
    )


def _last(rhythm: tuple[float, float], t: float) -> float:
    """When a job that runs so often ran last."""
    every_s, ago_s = rhythm
    return (t + ago_s) // every_s * every_s - ago_s


def _behind_s(this: Machine) -> float:
    return _BEHIND_S.get(this.name, 0.0)


def _dataset_in(paths: tuple[str, ...]) -> str:
    """`data/selfplay/NAME/**/*.jsonl` → NAME."""
    parts = paths[0].split("/") if paths else []
    return parts[2] if len(parts) > 2 else ""
