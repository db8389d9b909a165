"""What is wrong with a node, in words: the way there, what answered, what OpenSSH would do otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from console.fleet.model import Attention, Connecting, Down, Node, Transport, Up
from console.formatting import age
from workers.protocol import PROTOCOL_VERSION, Hello

SKEW_S = 10.0


class Level(str, Enum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `what` in a word or two, and the sentence."""

    level: Level
    what: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class CheckReport:
    """All findings about a node. `ok`: it is up and nothing is an error."""

    node: str
    state: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return self.state == "up" and all(f.level is not Level.ERROR for f in self.findings)


def link_findings(node: Node) -> list[Finding]:
    """Whether it answers, and why not."""
    link = node.link
    if isinstance(link, Up):
        trip = "" if node.round_trip_s is None else f", answers in {age(node.round_trip_s)}"
        return [Finding(Level.OK, "link", f"connected{trip}")]
    if isinstance(link, (Down, Attention)):
        return [
            Finding(Level.ERROR, link.problem.kind.value, link.problem.text, link.problem.remedy)
        ]
    if isinstance(link, Connecting):
        return [Finding(Level.ERROR, "timed out", f"not connected in time; it was at: {link.step}")]
    return [Finding(Level.WARNING, "link", node.reason)]


def agent_findings(node: Node) -> list[Finding]:
    """What the agent said of itself and its machine."""
    hello = node.hello
    if hello is None:
        return []
    found = [
        Finding(Level.OK, "machine", _machine(hello)),
        Finding(Level.OK, "python", hello.python),
        _state_finding(hello),
        _protocol_finding(hello),
        _psutil_finding(hello),
    ]
    found += [Finding(Level.WARNING, "start", warning) for warning in hello.warnings]
    if node.same_as is not None:
        found.append(
            Finding(Level.WARNING, "twin", f"is the same machine as {node.same_as}; counted once")
        )
    return found + _clock_findings(node) + _gpu_findings(node) + _dataset_findings(node)


def _machine(hello: Hello) -> str:
    return f"{hello.hostname}, {hello.system}, {hello.architecture}, {hello.cores} cores, as {hello.user}"


def _state_finding(hello: Hello) -> Finding:
    if hello.state_directory is not None:
        return Finding(Level.OK, "state", hello.state_directory)
    text = "no usable state directory: the agent runs from memory and is sent at each connection"
    return Finding(
        Level.WARNING, "state", text, "Make a home directory that is writable and local."
    )


def _protocol_finding(hello: Hello) -> Finding:
    level = Level.OK if hello.protocol == PROTOCOL_VERSION else Level.WARNING
    return Finding(level, "protocol", f"{hello.protocol}, here {PROTOCOL_VERSION}")


def _psutil_finding(hello: Hello) -> Finding:
    if "psutil" in hello.capabilities:
        return Finding(Level.OK, "psutil", "there")
    text = "not there: fewer details of a process (open files, connections)"
    return Finding(Level.NOTE, "psutil", text)


def _clock_findings(node: Node) -> list[Finding]:
    skew = node.clock_offset_s
    if skew is None or abs(skew) < SKEW_S:
        return []
    way = "ahead of" if skew > 0 else "behind"
    text = f"its clock is {age(abs(skew))} {way} ours"
    return [Finding(Level.WARNING, "clock", text, "Set its time (NTP).")]


def _gpu_findings(node: Node) -> list[Finding]:
    if node.sample is None:
        return []
    report = node.sample.gpu
    if report.fault:
        return [Finding(Level.WARNING, "GPU", report.fault)]
    lost = [f"GPU {gpu.gpu_index}: {gpu.fault}" for gpu in report.gpus if gpu.fault]
    count = f"{len(report.gpus)}, driver {report.driver}" if report.gpus else "none, or no driver"
    return [Finding(Level.WARNING, "GPU", text) for text in lost] or [
        Finding(Level.OK, "GPU", count)
    ]


def _dataset_findings(node: Node) -> list[Finding]:
    found = []
    for count in node.counts:
        if count.reason and count.records is None:
            found.append(Finding(Level.NOTE, "dataset", f"{count.name}: {count.reason}"))
        if count.unreadable_files:
            names = ", ".join(count.unreadable[:5])
            text = f"{count.name}: {count.unreadable_files} files unreadable: {names}"
            found.append(Finding(Level.WARNING, "dataset", text))
        elif count.files == 0:
            found.append(Finding(Level.NOTE, "dataset", f"{count.name}: no file fits its paths"))
    return found


def transport_findings(node: Node) -> list[Finding]:
    """How it is reached, where nothing needs to be asked."""
    if node.spec.transport is Transport.LOCAL:
        return [Finding(Level.OK, "way", "this machine, as a child process")]
    return []
