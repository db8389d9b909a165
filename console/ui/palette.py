"""The palette: every action that applies now, by its name, with its key."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode

from console.text import one_line
from console.ui import registry
from console.ui.first_run import can_offer
from console.ui.keys_text import key_text


class Command(NamedTuple):
    title: str
    help: str
    action: str
    node: DOMNode  # where the action is run


class ActionProvider(Provider):
    """Offers the actions of the screen below, the screens, the themes and the nodes."""

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(
                Content(command.title), self._runner(command), command.title, command.help
            )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        offered = (
            *self._commands(),
            *self._presets(),
            *self._jobs(),
            *self._themes(),
            *self._nodes(),
        )
        for command in offered:
            text = f"{command.title} {command.help}"
            score = matcher.match(text)
            if score > 0:
                yield Hit(
                    score,
                    Content(command.title),
                    self._runner(command),
                    command.title,
                    command.help,
                )

    def _runner(self, command: Command) -> Callable[[], Any]:
        return partial(self.app.run_action, command.action, command.node)

    def _commands(self) -> Iterator[Command]:
        seen: set[str] = set()
        found = self.screen.active_bindings.values()
        for active in sorted(found, key=lambda active: not active.binding.show):
            binding = active.binding
            if binding.id is None or not active.enabled or binding.action in seen:
                continue
            seen.add(binding.action)
            words = binding.tooltip or binding.description
            title = f"{words[:1].upper()}{words[1:]}"
            yield Command(
                title,
                f"{key_text(binding.key)}  {binding.description}",
                binding.action,
                active.node,
            )
        if registry.PICKER.built and can_offer(self.app.runtime):  # type: ignore[attr-defined]
            words = "pick some to watch; none is connected to before"
            yield Command("Hosts of the SSH config", words, "pick_hosts", self.app)
        if registry.AUDIT.built:
            yield Command(
                "Audit log", "every command that was sent to a node", "audit_log", self.app
            )

    def _presets(self) -> Iterator[Command]:
        if not self.app.check_action("start_preset", (0,)):
            return
        for place, preset in enumerate(self.app.runtime.workers.presets()):  # type: ignore[attr-defined]
            yield Command(
                f"Start {preset.name}",
                one_line(shlex.join(preset.command), 120),
                f"start_preset({place})",
                self.app,
            )

    def _jobs(self) -> Iterator[Command]:
        """Each shows its plan; none is started from here."""
        if not self.app.check_action("plan_of", (0,)):
            return
        for place, job in enumerate(self.app.known_jobs()):  # type: ignore[attr-defined]
            when = f", {job.schedule}" if job.schedule else ""
            title = f"Job {one_line(job.name, 60)}: its plan"
            yield Command(title, f"{job.kind}{when}", f"plan_of({place})", self.app)

    def _themes(self) -> Iterator[Command]:
        for name in self.app.available_themes:
            yield Command(f"Theme {name}", "how it looks", f"use_theme({name!r})", self.app)

    def _nodes(self) -> Iterator[Command]:
        for place, name in enumerate(self.app.runtime.store.nodes):  # type: ignore[attr-defined]
            yield Command(f"Open {one_line(name, 60)}", "node", f"open_place({place})", self.app)
