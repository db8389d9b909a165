"""The plan of a start that a person looks at: each run, its node, its exact command, and what stands against it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from console.errors import UsageError
from console.fleet.model import Node
from console.operations.outcomes import Verdict
from console.operations.recipes import StartRequest, shown, specs_of
from console.settings.presets import PresetSettings
from console.settings.selectors import checked_selector, selects
from workers.protocol import WorkerSpec


@dataclass(frozen=True)
class PlannedStart:
    """One run. `verdict` says what kind of thing stands against it; DONE where nothing does."""

    node: str
    spec: WorkerSpec
    shown: str  # the command line as it will run
    refusals: tuple[str, ...] = ()
    verdict: Verdict = Verdict.DONE
    gpu_indices: tuple[int, ...] = ()  # free for it there, as far as known

    @property
    def ok(self) -> bool:
        return not self.refusals


@dataclass(frozen=True)
class StartPlan:
    """Run ids are fixed: doing it twice starts everything once."""

    request: StartRequest
    starts: tuple[PlannedStart, ...]
    warnings: tuple[str, ...] = ()
    against: tuple[str, ...] = field(default=())  # what stands against all of it

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(start.node for start in self.starts))

    @property
    def refusals(self) -> tuple[str, ...]:
        """All that stands against it, each with its node."""
        each = (f"{start.node}: {text}" for start in self.starts for text in start.refusals)
        return tuple(dict.fromkeys((*self.against, *each)))

    @property
    def ok(self) -> bool:
        """True where all of it would start, as far as is known."""
        return not self.refusals


def planned(
    request: StartRequest,
    presets: Iterable[PresetSettings],
    nodes: Mapping[str, Node],
    by: str,
) -> StartPlan:
    """What would start, from what is known here; no node is asked. Raises UsageError."""
    preset = _preset(request.preset, {preset.name: preset for preset in presets})
    chosen = _nodes(request, preset, nodes)
    starts: list[PlannedStart] = []
    for name in chosen:
        specs = specs_of(request, preset, by)
        starts += [PlannedStart(name, spec, shown(spec)) for spec in specs]
    spec = starts[0].spec
    against = _together(spec, [start.node for start in starts])
    return StartPlan(request, tuple(starts), _unfit(chosen, preset, nodes), against)


def _preset(name: str, presets: Mapping[str, PresetSettings]) -> PresetSettings | None:
    if not name or name in presets:
        return presets.get(name)
    near = difflib.get_close_matches(name, presets, 1)
    hint = f"; did you mean {near[0]}?" if near else "; `workers presets` lists them"
    raise UsageError(f"there is no preset named {name}{hint}")


def _nodes(
    request: StartRequest, preset: PresetSettings | None, nodes: Mapping[str, Node]
) -> tuple[str, ...]:
    if request.nodes:
        return tuple(dict.fromkeys(n for word in request.nodes for n in chosen_by(word, nodes)))
    if preset is None:
        if len(nodes) == 1:
            return tuple(nodes)
        raise UsageError("on which node? --node NAME says it")
    found = tuple(n.name for n in nodes.values() if selects(preset.nodes, n.name, n.spec.tags))
    if not found:
        raise UsageError(f"preset {preset.name} is for '{preset.nodes}', which takes no node here")
    return found


def chosen_by(word: str, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """The nodes that a name or a selector takes. Raises UsageError where it takes none."""
    if word in nodes:
        return (word,)
    try:
        checked_selector(word)
    except ValueError as error:
        raise UsageError(str(error)) from None
    found = tuple(n.name for n in nodes.values() if selects(word, n.name, n.spec.tags))
    if found:
        return found
    near = difflib.get_close_matches(word, nodes, 1)
    meant = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"there is no node named {word}{meant}")


def _unfit(
    chosen: Iterable[str], preset: PresetSettings | None, nodes: Mapping[str, Node]
) -> tuple[str, ...]:
    if preset is None:
        return ()
    unfit = [n for n in chosen if not selects(preset.nodes, n, nodes[n].spec.tags)]
    if not unfit:
        return ()
    return (f"preset {preset.name} is for '{preset.nodes}', not for {', '.join(unfit)}",)


def _together(spec: WorkerSpec, nodes: list[str]) -> tuple[str, ...]:
    """A lock that several runs of this very plan would hold."""
    if not spec.singleton:
        return ()
    fleet = spec.singleton_scope == "fleet"
    count = len(nodes) if fleet else max(nodes.count(node) for node in nodes)
    if count < 2:
        return ()
    where = "in the fleet" if fleet else "on a node"
    return (f"of lock {spec.singleton} only one may live {where}, and {count} would start",)
