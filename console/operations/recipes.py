"""What a person asks to start, and the exact runs that it means. Pure."""

from __future__ import annotations

import os.path
import secrets
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

from console.errors import UsageError
from console.settings.presets import MOST_COPIES, Policy, PresetSettings
from console.settings.values import checked_name
from workers.protocol import Variable, WorkerSpec

_LONGEST_NAME = 64
_UNFIT = str.maketrans(dict.fromkeys(" @/:+,=~^%", "-"))


@dataclass(frozen=True)
class StartRequest:
    """A preset, or a command, or a preset with another command; what is None stays as the preset says."""

    nodes: tuple[str, ...] = ()  # empty: those that the preset is for
    preset: str = ""
    command: tuple[str, ...] = ()
    name: str = ""  # empty: the preset's, or the program's
    copies: int | None = None
    directory: str | None = None
    environment: tuple[tuple[str, str], ...] = ()  # over the preset's
    restart: str | None = None
    grace_s: float | None = None
    gpus: int | None = None
    nice: int | None = None
    threads: int | None = None
    kind: str = "worker"


def new_run_id() -> str:
    """128 random bits: who asks makes the name of the run, so that asking twice starts one."""
    return secrets.token_hex(16)


def names_of(request: StartRequest, preset: PresetSettings | None) -> tuple[str, ...]:
    """NAME, or NAME-1, NAME-2, … for several copies. Raises UsageError."""
    copies = request.copies if request.copies is not None else preset.copies if preset else 1
    if not 1 <= copies <= MOST_COPIES:
        raise UsageError(f"wanted 1 to {MOST_COPIES} copies, not {copies}")
    name = request.name or (preset.name if preset else _program(request.command))
    try:
        checked_name(name)
    except ValueError as error:
        raise UsageError(f"the worker's name '{name}': {error}") from None
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"the worker's name is longer than {_LONGEST_NAME} characters")
    return (name,) if copies == 1 else tuple(f"{name}-{n}" for n in range(1, copies + 1))


def specs_of(
    request: StartRequest, preset: PresetSettings | None, by: str
) -> tuple[WorkerSpec, ...]:
    """A fresh run for each copy. Raises UsageError."""
    if preset is None and not request.command:
        raise UsageError("nothing to start: give --preset NAME, or -- COMMAND ARG…")
    if any("\0" in word for word in (*request.command, *map("".join, request.environment))):
        raise UsageError("a command or variable holds a NUL character")
    return tuple(_spec(request, preset, name, by) for name in names_of(request, preset))


def shown(spec: WorkerSpec, command: Iterable[str] = ()) -> str:
    """The command line as a shell would take it, in its directory and with the variables that were set for it.

    `command` is what it becomes on the node, where that is known. Secrets show as where they come from.
    """
    variables = [f"{one.name}={shlex.quote(one.value)}" for one in spec.environment]
    variables += [f"{one.name}=<{one.source} {one.reference}>" for one in spec.secrets]
    line = " ".join((*variables, shlex.join(tuple(command) or spec.command)))
    return f"cd {shlex.quote(spec.directory)} && {line}" if spec.directory else line


def _spec(request: StartRequest, preset: PresetSettings | None, name: str, by: str) -> WorkerSpec:
    if preset is None:
        spec = WorkerSpec(new_run_id(), name, request.command, by=by)
    else:
        spec = preset.spec(new_run_id(), name, by)
    given: dict[str, Any] = {
        "command": request.command or None,
        "directory": request.directory,
        "grace_s": request.grace_s,
        "gpus": request.gpus,
        "nice": request.nice,
        "threads": request.threads,
        "kind": request.kind,
        "environment": _environment(spec, request),
        "restart": spec.restart._replace(policy=_policy(request.restart))
        if request.restart
        else None,
    }
    own = {one for one, _ in request.environment}
    spec = spec._replace(**{key: value for key, value in given.items() if value is not None})
    return spec._replace(secrets=tuple(one for one in spec.secrets if one.name not in own))


def _environment(spec: WorkerSpec, request: StartRequest) -> tuple[Variable, ...]:
    merged = {one.name: one.value for one in spec.environment} | dict(request.environment)
    return tuple(Variable(*item) for item in merged.items())


def _policy(word: str) -> str:
    if word not in get_args(Policy):
        raise UsageError(f"--restart {word}: wanted {', '.join(get_args(Policy))}")
    return word


def _program(command: tuple[str, ...]) -> str:
    """A name from the command: train of `python train.py`."""
    words = [word for word in command if not word.startswith("-")] or list(command)
    base = os.path.basename(words[0])
    if base.startswith("python") and len(words) > 1 and words[1].endswith(".py"):
        base = os.path.basename(words[1])
    return (base.removesuffix(".py").translate(_UNFIT).strip("-._") or "worker")[:_LONGEST_NAME]
