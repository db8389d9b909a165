"""Which way the bytes go from one machine to another, and one leg of that way."""

from typing import NamedTuple

from workers.errands.client import Errand
from workers.jobs.document import Document, Host
from workers.jobs.sync import arguments
from workers.jobs.sync.arguments import Leg
from workers.jobs.sync.process import Check, Ended, OnProgress, transfer
from workers.jobs.sync.relay import Ends, receiver, relay, sender
from workers.jobs.sync.version import Version

PULL, PUSH, RELAY, THERE = "pull", "push", "relay", "there"


class Road(NamedTuple):
    """From ``source`` to ``destination``. ``version``: of the rsync that runs here."""

    kind: str
    source: Host
    destination: Host
    version: Version
    bandwidth_kib_s: int
    list_path: str  # on the source; of a relay

    @property
    def told(self) -> str:
        """In words, for the plan."""
        return {
            PULL: f"pulled from {self.source.name} by this machine",
            PUSH: f"pushed by this machine to {self.destination.name}",
            RELAY: f"relayed by this machine to {self.destination.name}: nothing comes to its disk; "
            "it pauses when this machine sleeps",
            THERE: f"copied on {self.destination.name} itself",
        }[self.kind]

    def commands(self, leg: Leg) -> tuple[tuple[str, ...], ...]:
        """What will run."""
        if self.kind == RELAY:
            letters = "<as the other side says>"
            sending = sender(leg, self.list_path, "", self.bandwidth_kib_s)
            shown = tuple(word + letters if word == "-tpRe." else word for word in sending)
            taking = arguments.over(self.destination, receiver(leg, self.bandwidth_kib_s))
            return (taking, arguments.over(self.source, shown))
        return (self._command(leg),)

    def carry(
        self, leg: Leg, errand: Errand, on_progress: OnProgress, check: Check
    ) -> tuple[Ended, str]:
        """Runs one leg; its end, and the name of the machine an ssh's failure would be about."""
        if self.kind == RELAY:
            ends = Ends(self.source, self.destination, errand, self.list_path)
            ended, host = relay(leg, ends, self.bandwidth_kib_s, on_progress, check)
            return ended, host.name
        far = self.source if self.kind == PULL else self.destination
        return transfer(self._command(leg), leg.file_list, on_progress, check), far.name

    def _command(self, leg: Leg) -> tuple[str, ...]:
        if self.kind == PUSH:
            return arguments.push(leg, self.destination, self.version, self.bandwidth_kib_s)
        if self.kind == THERE:
            beside = Host(self.source.name)
            argv = arguments.pull(leg, beside, self.version, self.bandwidth_kib_s)
            return arguments.over(self.destination, argv)
        return arguments.pull(leg, self.source, self.version, self.bandwidth_kib_s)


def road(
    document: Document, source: Host, destination: Host, version: Version, home: str = "~"
) -> Road:
    """The one there is between two machines of the document. ``home``: the source's home directory."""
    limit = document.limits.bandwidth(source.name, destination.name)
    path = f"{home}/.cache/quarterdeck/sync-{document.run}-{source.name}.list"
    return Road(_kind(source, destination), source, destination, version, limit, path)


def _kind(source: Host, destination: Host) -> str:
    if destination.here:
        return PULL
    if source.here:
        return PUSH
    return THERE if source.name == destination.name else RELAY
