"""Our own workers run where nothing of us is installed: their code comes along."""

from __future__ import annotations

import os

from console.backends.agent import AgentBackend
from tests.backends.conftest import Place
from workers.protocol import LogChunk, OpenTail

WHERE = "import workers.harness; print(workers.__file__, workers.harness.main)"


async def test_a_worker_that_names_it_imports_it_from_the_node(place: Place) -> None:
    if not isinstance(place.backend, AgentBackend):
        return
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
    for _ in range(2):
        spec = place.spec((python, "-c", WHERE), code="workers", directory="/")
        reply = await place.backend.start(spec)
        items = [item async for item in place.backend.tail(OpenTail(spec.run_id))]
        said = b"".join(item.data for item in items if isinstance(item, LogChunk)).decode()
        assert f"{place.folder}/.local/state/quarterdeck/code/workers-" in said, (reply, said)
