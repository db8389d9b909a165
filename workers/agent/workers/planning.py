"""What a start would come to on this node: the run as it would be kept, and whatever speaks against it."""

from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from workers.agent.workers import preflight
from workers.agent.workers.code import with_code
from workers.agent.workers.interpreters import PYTHONS, Interpreter, Interpreters
from workers.protocol import Preflight, Variable, WorkerSpec

_SIGNALS = frozenset({"TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "KILL"})


class Plan(NamedTuple):
    """``spec`` with absolute paths and its interpreter; the GPUs are chosen under the lock."""

    spec: WorkerSpec
    interpreter: Optional[str] = None
    notes: Tuple[str, ...] = ()
    refusals: Tuple[str, ...] = ()


def fault(spec: WorkerSpec) -> str:
    """Why this can be started nowhere; "" where it might."""
    if not spec.run_id.isalnum() or len(spec.run_id) > 64:
        return f"{spec.run_id!r} cannot name a run"
    if not spec.name or "/" in spec.name:
        return f"{spec.name!r} cannot name a worker"
    if not spec.command or not spec.command[0]:
        return "there is no command"
    if any("\0" in text for text in (*spec.command, spec.directory)):
        return "a command cannot hold a zero byte"
    for name in (spec.stop_signal, spec.drain_signal or "TERM"):
        if name.upper().replace("SIG", "", 1) not in _SIGNALS:
            return f"{name} is no signal that a worker is stopped by"
    return ""


def plan(
    spec: WorkerSpec,
    root: str,
    environment: Mapping[str, str],
    interpreters: Interpreters,
    node_folder: str,
) -> Plan:
    """Looks; changes nothing. ``root`` is where the node's relative paths start."""
    directory = preflight.place(spec.directory or ".", root)
    spec = _with_places(spec, directory)
    spec, no_code = with_code(spec, node_folder, environment)
    found = preflight.check(spec, directory, directory)
    if found.refusals and found.refusals[0].startswith("the directory"):
        return Plan(spec, None, found.notes, found.refusals)  # nothing else can be tried there
    variables = {**environment, **{each.name: each.value for each in spec.environment}}
    choice = interpreters.choose(spec.interpreters, spec.needs, root, directory, variables)
    refusals: List[str] = [*found.refusals, *([no_code] if no_code else [])]
    if choice.refusal:
        refusals.append(choice.refusal)
    path = None
    if choice.interpreter is not None:
        path = choice.interpreter.path
        spec = _with_interpreter(spec, choice.interpreter, variables)
    return Plan(spec, path, found.notes + choice.notes, tuple(refusals))


def _with_places(spec: WorkerSpec, directory: str) -> WorkerSpec:
    """Later agents may have another root: what is kept is absolute."""
    needs = tuple(
        need._replace(path=preflight.place(need.path, directory))
        for need in spec.preflight.disk_free
    )
    files = tuple(preflight.place(path, directory) for path in spec.preflight.files)
    return spec._replace(
        directory=directory,
        lock_files=tuple(preflight.place(path, directory) for path in spec.lock_files),
        preflight=Preflight(needs, files, spec.preflight.memory_bytes),
    )


def _with_interpreter(
    spec: WorkerSpec, interpreter: Interpreter, variables: Mapping[str, str]
) -> WorkerSpec:
    command = spec.command
    if command[0] in PYTHONS:
        command = (interpreter.path, *command[1:])
    kept: Dict[str, str] = {each.name: each.value for each in spec.environment}
    kept.update(interpreter.variables(variables.get("PATH", "")))
    environment = tuple(Variable(name, value) for name, value in kept.items())
    return spec._replace(command=command, environment=environment)
