"""Asks the code of a job what it would do: the same code, with the same orders, on the machine it will run on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.errors import LinkError, RequestFailed, SettingsError
from console.fleet.model import Problem, ProblemKind
from console.operations.commands import CommandRun
from console.operations.recipes import new_run_id
from console.settings.values import Secret
from console.text import sanitise
from workers.contract import EXIT_CONFIGURATION, EXIT_WAITING
from workers.protocol import RestartRule, WorkerSpec

if TYPE_CHECKING:
    from console.operations.workers import WorkerOperations

NO_PLAN = "no_plan"
PLAN_S = 120.0  # every node is asked what it has, some at a time
_LAST_CHARACTERS = 2000
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_STATE_HOME", "XDG_DATA_HOME", "USER")


async def ask_here(run: WorkerSpec, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `--plan --json` prints on this machine. Raises LinkError, RequestFailed."""
    with tempfile.TemporaryDirectory(prefix="quarterdeck-plan-") as folder:
        file = Path(folder) / "document.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(document))
        argv = [sys.executable, *run.command[1:], "--document", str(file), "--plan", "--json"]
        return await _answer(argv, folder, _environment(run))


async def ask_there(workers: WorkerOperations, node: str, run: WorkerSpec) -> Mapping[str, Any]:
    """The same on another node, as an ad-hoc command. Raises as `ask_here`, and Refused while read-only."""
    asked = run._replace(
        run_id=new_run_id(), name=f"plan-{run.run_id[:8]}", kind="command", singleton="",
        command=(*run.command, "--plan", "--json"), restart=RestartRule(),
    )  # fmt: skip
    (result,) = await CommandRun(workers, {node: asked}, PLAN_S).wait()
    if result.exit_code is None:
        raise RequestFailed(NO_PLAN, f"no plan: {node}: {result.words}")
    return read(result.output(0), result.output(1), result.exit_code)


async def _answer(argv: list[str], folder: str, environment: dict[str, str]) -> Mapping[str, Any]:
    child = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=environment,
    )
    try:
        out, err = await asyncio.wait_for(child.communicate(), PLAN_S)
    except asyncio.TimeoutError:
        raise RequestFailed(NO_PLAN, f"no plan within {PLAN_S:.0f} s; nothing was done") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            if child.returncode is None:
                child.kill()
    return read(out, err, child.returncode or 0)


def read(out: bytes, err: bytes, code: int) -> Mapping[str, Any]:
    """The plan in what a child printed. Raises LinkError, RequestFailed with its own words."""
    for line in reversed(out.decode(errors="replace").splitlines()):
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict) and found.get("schema") == 1:
                    return found
    said = sanitise(err.decode(errors="replace")[-_LAST_CHARACTERS:]).strip().splitlines()
    words = next((line for line in reversed(said) if line.startswith("error: ")), "")
    why = words.removeprefix("error: ") or (said[-1] if said else f"exit code {code}")
    if code == EXIT_CONFIGURATION:
        return {"schema": 1, "refusals": [why]}
    if code == EXIT_WAITING:
        raise LinkError(Problem(ProblemKind.UNREACHABLE, why))
    raise RequestFailed(NO_PLAN, f"no plan: {why}")


def _environment(run: WorkerSpec) -> dict[str, str]:
    """As the run itself will have it: nothing of the console's own. Raises RequestFailed for a secret that is
    not there, and never says one."""
    found = {name: os.environ[name] for name in _KEPT if name in os.environ}
    found["PYTHONPATH"] = str(Path(__file__).resolve().parents[3])
    found.update((variable.name, variable.value) for variable in run.environment)
    for secret in run.secrets:
        given = {"from_env" if secret.source == "env" else "from_file": secret.reference}
        try:
            found[secret.name] = Secret.model_validate(given).resolve().partition("\n")[0]
        except SettingsError as error:
            raise RequestFailed(NO_PLAN, f"no plan: the secret {secret.name}: {error}") from None
    return found
