"""From this machine to nodes: models and code. Each file arrives whole, and is compared by hash afterwards."""

import os
import posixpath
import subprocess
from collections.abc import Sequence
from dataclasses import replace

from workers.errands.client import Errand
from workers.errands.shapes import Hashed
from workers.harness import Misconfigured, Worker
from workers.jobs.crew import Crew
from workers.jobs.document import Document, Host
from workers.jobs.errors import NoRoom, Passing
from workers.jobs.parts import PARTIAL, Part, Parts
from workers.jobs.plan import HostPlan, Plan, amount, byte_text
from workers.jobs.reach import asked, reached
from workers.jobs.sync import arguments
from workers.jobs.sync.arguments import Leg
from workers.jobs.sync.meter import Meter
from workers.jobs.sync.process import Ended, environment, transfer
from workers.jobs.sync.pushed import Pushed, There, local_files, read_listing
from workers.jobs.sync.share import Share, by_base, share
from workers.jobs.sync.tally import Tally, shown
from workers.jobs.sync.verdict import SOME, VANISHED, judge, warning
from workers.jobs.sync.version import Version, probe

NEVER = (
    "delete anything at the other end: no --delete is ever given",
    "put a smaller or older file over a larger or newer one",
    "call a file pushed before its hash was compared at the other end",
    "run rsync as a daemon, or send links, devices or special files",
)
_LIST_S = 600.0
_TOGETHER = 250


class Push:
    """One run: the files of ``options.paths`` to each of the sources but this machine."""

    def __init__(self, worker: Worker, document: Document) -> None:
        self.document = document
        self.own: Version = probe(Host(document.here))
        paths = document.fields().texts("paths")
        if not paths:
            raise Misconfigured("options.paths: a push needs at least one path of this machine")
        self.files, self.left = local_files(os.path.expanduser("~"), paths)
        self.targets = tuple(name for name in document.sources if name != document.here)
        self.parts = Parts(worker, self.targets, "file")
        self.crew = Crew(worker, document.limits, self.parts)
        self._worker = worker

    def run(self) -> None:
        """Raises the error that tells how it ended."""
        for text in self.left:
            self._worker.log(f"left out: {text}")
        self.crew.work(self.targets, self._one)
        self.crew.finish()

    def look(self, host: Host, errand: Errand) -> Share:
        """What this node lacks. Raises WorkerError."""
        there = {
            (base, name): found
            for base, files in by_base(self.files).items()
            for name, found in self._listing(
                host, "/" if base == "/" else errand.home, files
            ).items()
        }
        found = share(errand.home, self.files, there)
        for leg in found.legs():
            self._check_room(host, errand, leg)
        return found

    def _check_room(self, host: Host, errand: Errand, leg: Leg) -> None:
        fraction = self.document.limits.space_fraction
        with asked():
            place = errand.destination(
                posixpath.dirname(posixpath.join(leg.destination, leg.names[0]))
            )
        if leg.size > place.free_bytes * fraction:
            raise NoRoom(
                f"{place.path} on {host.name}: {byte_text(leg.size)} would arrive, "
                f"{byte_text(place.free_bytes)} are free, of which {fraction:.0%} may be used (space)"
            )

    def command(self, host: Host, leg: Leg) -> tuple[str, ...]:
        limit = self.document.limits.bandwidth(host.name)
        if host.here:
            return arguments.pull(leg, host, self.own, limit)
        return arguments.push(leg, host, self.own, limit)

    def _one(self, part: Part) -> str:
        host = self.document.host(part.name)
        with reached(host) as errand:
            found = self.look(host, errand)
            meter = Meter(part, len(found.files), found.bytes)
            tally = Tally(refused=found.refused)
            for leg in found.legs():
                tally = tally.plus(self._leg(host, errand, meter, leg))
        if tally.partial:
            part.say(state=PARTIAL, message=tally.text("pushed"))
        return tally.text("pushed")

    def _leg(self, host: Host, errand: Errand, meter: Meter, leg: Leg) -> Tally:
        meter.say("copying")
        ended = transfer(self.command(host, leg), leg.file_list, meter.progress, self.crew.check)
        error = judge(ended.code, ended.said, host.name)
        if error is not None:
            raise error
        meter.leg_ended(leg)
        meter.say("verifying")
        return self._verified(errand, leg, ended)

    def _verified(self, errand: Errand, leg: Leg, ended: Ended) -> Tally:
        """Compares each file's hash here and there."""
        files = size = 0
        failed: list[str] = []
        with Errand.open({"ssh": None}, self.document.here) as own:
            for start in range(0, len(leg.names), _TOGETHER):
                self.crew.check()
                sizes = [
                    (name, os.lstat(os.path.join(leg.source, name)).st_size)
                    for name in leg.names[start : start + _TOGETHER]
                ]
                with asked():
                    ours, theirs = own.hash(leg.source, sizes), errand.hash(leg.destination, sizes)
                for (name, length), here, there in zip(sizes, ours, theirs, strict=True):
                    if here.hash and here.hash == there.hash:
                        files, size = files + 1, size + length
                    else:
                        failed.append(f"{shown(name)}: {_why(here, there)}")
        told = warning(ended.code, ended.said) if ended.code in (SOME, VANISHED) else ""
        return Tally(files, size, failed=tuple(failed), warnings=(told,) if told else ())

    def _listing(self, host: Host, folder: str, files: Sequence[Pushed]) -> dict[str, There]:
        """What lies there under the names that would be pushed."""
        shell, target = arguments.remote(host) if host.ssh else ("", "")
        words = ["rsync", "-8", "--list-only", "--no-human-readable", "--from0", "--files-from=-"]
        words += [self.own.secluded, *([f"--rsh={shell}"] if shell else []), "--"]
        words += [
            f"{target}:{arguments.folder(folder)}" if shell else arguments.folder(folder),
            ".",
        ]
        names = b"".join(os.fsencode(file.name) + b"\0" for file in files)
        try:
            done = subprocess.run(
                words, input=names, capture_output=True, timeout=_LIST_S,
                env={**environment(), "TZ": "UTC"},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Passing(f"{host.name} did not list its files in {_LIST_S:g} s") from None
        said = done.stderr.decode(errors="replace").splitlines()
        error = judge(done.returncode, said, host.name)
        if error is not None:
            raise error
        return read_listing(done.stdout.decode("utf-8", "surrogateescape").splitlines())


def plan(document: Document) -> Plan:
    """Raises WorkerError."""
    push = Push(Worker("file"), document)
    hosts: dict[str, HostPlan] = {}

    def look(part: Part) -> str:
        host = document.host(part.name)
        with reached(host) as errand:
            found = push.look(host, errand)
        commands = tuple(push.command(host, leg) for leg in found.legs())
        notes = (f"{found.unchanged:,} unchanged", *(f"REFUSED {text}" for text in found.refused))
        does = f"pushed by this machine to the same place below {found.home} or /"
        hosts[part.name] = HostPlan(part.name, does, len(found.files), found.bytes, commands, notes)
        return amount(len(found.files), found.bytes)

    push.crew.work(push.targets, look, replace(document.limits, retries=0))
    for part in push.parts:
        hosts.setdefault(part.name, HostPlan(part.name, "nothing", problem=part.message))
    warned = [push.own.warning(document.here)]
    return Plan(
        document,
        "copies from this machine to the same place on each node",
        tuple(hosts[name] for name in push.targets),
        NEVER,
        tuple(text for text in (*warned, *(f"left out: {each}" for each in push.left)) if text),
    )


def run(worker: Worker, document: Document) -> int | None:
    """Raises WorkerError."""
    Push(worker, document).run()
    return None


def _why(here: Hashed, there: Hashed) -> str:
    if here.problem:
        return f"cannot be read here: {here.problem}"
    if there.problem:
        return f"did not arrive: {there.problem}"
    return "differs there: it changed while it was copied; push it again"
