"""The trust step: a host key nobody has seen before, or one that is not the one on file."""

from __future__ import annotations

import shlex

from console.errors import QuarterdeckError
from console.fleet.model import Attention, HostKey, Problem, ProblemKind
from console.ui.lines import Line, Pen, pair, words
from console.ui.modals.dialog import Dialog

WORD = "trust"


class TrustModal(Dialog[bool]):
    """Unknown: shows the key, and takes the word `trust`. Changed or revoked: shows why, and takes nothing."""

    title_text = "Host key"

    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node
        self.field = None

    def compose(self):  # type: ignore[no-untyped-def]
        problem = self.problem
        if problem is not None and problem.kind is ProblemKind.HOST_KEY_UNKNOWN:
            self.title_text = f"{self._node}: unknown host key"
            self.field = f"compare, then type {WORD}"
            self.keys = (("Enter", "trusts this key"), ("Esc", "leaves it"))
        else:
            self.title_text = f"{self._node}: blocked"
            self.add_class("bad")
        yield from super().compose()

    @property
    def problem(self) -> Problem | None:
        """What the node waits for; None when it does not wait any more."""
        node = self.runtime.store.nodes.get(self._node)
        link = node.link if node else None
        return link.problem if isinstance(link, Attention) and link.problem.host_key else None

    def lines(self, pen: Pen) -> list[Line]:
        problem = self.problem
        if problem is None or problem.host_key is None:
            return words(
                pen, f"{self._node} shows no host key that waits for trust.", pen.inks.text
            )
        if problem.kind is ProblemKind.HOST_KEY_UNKNOWN:
            return _unknown(problem.host_key, pen)
        return _blocked(problem, problem.host_key, pen)

    def submitted(self, value: str) -> None:
        if value.strip().lower() != WORD:
            self.complain(f"type {WORD}, or Esc")
            return
        self.run_worker(self._trust(), exclusive=True)

    async def _trust(self) -> None:
        problem = self.problem
        if problem is None or problem.host_key is None:
            self.dismiss(False)
            return
        try:
            await self.runtime.nodes.trust(self._node, problem.host_key)
        except QuarterdeckError as error:
            self.complain(str(error))
            return
        self.console_app.say(f"{self._node}: the key is trusted; connecting")
        self.dismiss(True)


def _unknown(key: HostKey, pen: Pen) -> list[Line]:
    inks = pen.inks
    return [
        [],
        *words(pen, "This host has not been seen before. It shows this key:", inks.text, 1),
        [],
        [(" ", inks.text), *pair(pen, "name", key.name)],
        [(" ", inks.text), *pair(pen, "type", key.algorithm)],
        [(" ", inks.text), *pair(pen, "SHA256", key.fingerprint.removeprefix("SHA256:"), tint=inks.strong)],
        [],
        *words(pen, "Compare it with what the machine itself or its provider shows, for instance with", inks.dim, 1),
        *words(pen, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub", inks.text, 3),
    ]  # fmt: skip


def _blocked(problem: Problem, key: HostKey, pen: Pen) -> list[Line]:
    inks = pen.inks
    lines: list[Line] = [[], *words(pen, problem.text, inks.bad_strong, 1), []]
    lines += [
        [(" ", inks.text), *pair(pen, "name", key.name)],
        [(" ", inks.text), *pair(pen, "type", key.algorithm)],
    ]
    for known in key.known_fingerprints:
        lines.append(
            [(" ", inks.text), *pair(pen, "on file", known.removeprefix("SHA256:"), tint=inks.good)]
        )
    lines.append(
        [
            (" ", inks.text),
            *pair(pen, "shown now", key.fingerprint.removeprefix("SHA256:"), tint=inks.bad),
        ]
    )
    for place in key.known_at:
        lines.append([(" ", inks.text), *pair(pen, "listed at", place)])
    lines += [[], *words(pen, "Somebody may be in between, or the machine was installed anew. There is no key that overrides this: ask whoever runs it, and if the new key is right, remove the old one with", inks.text, 1)]  # fmt: skip
    files = dict.fromkeys(place.rpartition(":")[0] for place in key.known_at) or {"": None}
    for file in files:
        quoted = file if file.startswith("~/") else shlex.quote(file)
        command = f"ssh-keygen -R {shlex.quote(key.name)}" + (f" -f {quoted}" if file else "")
        lines += words(pen, command, inks.strong, 3)
    if problem.remedy:
        lines += [[], *words(pen, problem.remedy, inks.dim, 1)]
    return lines
