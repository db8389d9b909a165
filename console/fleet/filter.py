"""Which nodes: a filter (its grammar is `console.fleet.grammar`) over what is known of a node.

gpu>90  mem>=50  disk>80  workers>0   a figure (of several, as of GPUs, any)
tag:selfplay  state:down,stale        a word, or one of several
name~^gpu-[0-9]+$                     a regular expression
alert:any  alert:disk_nearly_full     an active alert: any, of a kind, or with this in its text
worker:any  worker:selfplay           a worker that lives there, as last known
hex8  "two words"                     in the name, host name, tags or names of the top processes
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from console.fleet.alerts import Alert
from console.fleet.grammar import FilterError, Test, Vocabulary
from console.fleet.measures import MEASURES
from console.fleet.model import Node
from console.fleet.workers.reported import live_records

__all__ = ["FIELDS", "Filter", "FilterError", "parse"]


class _Seen(NamedTuple):
    """A node with its own alerts."""

    node: Node
    alerts: list[Alert]


@dataclass(frozen=True)
class Filter:
    """A parsed filter. An empty one takes every node."""

    text: str
    tests: tuple[Test[_Seen], ...] = ()

    def matches(self, node: Node, alerts: Iterable[Alert] = ()) -> bool:
        """True where every term holds for the node and its own of `alerts`."""
        if not self.tests:
            return True
        seen = _Seen(node, [alert for alert in alerts if alert.node == node.name])
        return all(test(seen) for test in self.tests)


def parse(text: str) -> Filter:
    """The filter that `text` says. Raises FilterError."""
    return Filter(text, _VOCABULARY.parse(text))


def _plain(seen: _Seen) -> list[str]:
    node = seen.node
    return [node.name, *_hosts(node), *node.spec.tags, *_process_names(node)]


def _hosts(node: Node) -> list[str]:
    return [word for word in (node.hello.hostname if node.hello else "", node.spec.address) if word]


def _process_names(node: Node) -> list[str]:
    return [process.name for process in node.sample.top] if node.sample else []


def _datasets(node: Node) -> list[str]:
    counted = [count.name for count in node.counts]
    return [*counted, *(watch.name for watch in node.spec.expected_datasets)]


_VOCABULARY: Vocabulary[_Seen] = Vocabulary(
    measures={name: lambda seen, read=read: read(seen.node) for name, read in MEASURES.items()},  # type: ignore[misc]
    words={
        "name": lambda seen: [seen.node.name],
        "host": lambda seen: _hosts(seen.node),
        "tag": lambda seen: seen.node.spec.tags,
        "state": lambda seen: [seen.node.state],
        "reason": lambda seen: [seen.node.reason],
        "proc": lambda seen: _process_names(seen.node),
        "user": lambda seen: (
            [p.user for p in seen.node.sample.top] if seen.node.sample else []
        ),
        "model": lambda seen: [gpu.name for gpu in seen.node.gpu.gpus],
        "dataset": lambda seen: _datasets(seen.node),
        "worker": lambda seen: [record.name for record in live_records(seen.node)],
        "alert": lambda seen: [word for a in seen.alerts for word in (a.kind, a.text)],
    },
    plain=_plain,
    exact=frozenset({"tag", "state"}),
    any_of=frozenset({"alert", "worker"}),
    aliases={"memory": "mem", "hostname": "host", "process": "proc", "tags": "tag"},
)  # fmt: skip
FIELDS = (*_VOCABULARY.measures, *_VOCABULARY.words)
