"""Who is told how a job ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from console.operations.outcomes import Target
from console.operations.waiting import is_over
from console.runtime import Runtime
from tests.jobs_core.conftest import SETTINGS
from tests.runtimes import runtime_of, settings_file, until, up

PARTIAL = "say('partial', **{'gpu-1': 'done', 'gpu-2': 'failed'}); sys.exit(1)"


async def ended(runtime: Runtime, name: str) -> None:
    plan = await runtime.jobs.plan(name)
    assert (await runtime.jobs.start(plan)).done
    target = Target(plan.node, plan.spec.run_id, plan.name)
    await runtime.workers.wait([target], is_over, 20.0)


async def test_always_failed_or_never(home: Path, work: Callable[[str], None]) -> None:
    heard = home / "heard"
    settings_file(
        home,
        f"{SETTINGS}"
        f"  - {{name: loud, kind: sync, notify: always}}\n  - {{name: mute, kind: sync, notify: never}}\n"
        f"notify: {{command: [sh, -c, 'cat >> {heard}; echo >> {heard}'], kinds: [worker_exited_badly]}}\n",
    )

    def told() -> list[dict[str, Any]]:
        return (
            [json.loads(line) for line in heard.read_text().splitlines()] if heard.exists() else []
        )

    async with runtime_of(home) as running:
        await up(running)
        work("say('done', **{'gpu-1': 'done'}); time.sleep(0.3)")
        await ended(running, "quick")
        await ended(running, "loud")
        await until(lambda: told())
        assert [(one["event"], one["job"]["name"]) for one in told()] == [("done", "loud")]
        work("time.sleep(0.3);" + PARTIAL)
        await ended(running, "mute")
        await ended(running, "quick")
        await until(lambda: len(told()) == 2)
        assert [one.get("alert", {}).get("subject") for one in told()] == [None, "quick"]
