"""The agent's entry: builds its parts and serves until the channel ends."""

import os
from typing import Any, NoReturn, Optional

from workers.agent.boot import Boot
from workers.agent.identity import hello
from workers.agent.server import Server

EXIT_FAILED = 70


def main(start: Boot) -> NoReturn:
    """Serves one console. Never returns; nothing is left running."""
    sampler: Optional[Any] = None
    counter: Optional[_LateCounter] = None
    code = 0
    try:
        greeting = hello(start.digest, start.state_directory, start.warnings)
        sampler = _sampler()
        counter = _LateCounter(_cache_directory(start.state_directory, greeting.node_key))
        Server(start.channel_in, start.channel_out, greeting, sampler, counter).run()
    except BaseException:
        code = EXIT_FAILED  # the server has said why
    try:
        if sampler is not None:
            sampler.close()
        if counter is not None:
            counter.close()
    finally:
        os._exit(code)  # threads may hang in a dead mount


def _sampler() -> Any:
    from workers.agent.gpu import GpuReader
    from workers.agent.sampler import Sampler

    return Sampler(GpuReader())


class _LateCounter:
    """The dataset counter, imported with the first dataset: a start pays for nothing it does not use."""

    def __init__(self, state_directory: Optional[str]) -> None:
        self._state_directory = state_directory
        self._counter: Any = None

    def configure(self, root: str, watches: Any) -> None:
        self._real().configure(root, watches)

    def count(self, should_stop: Any) -> Any:
        return self._real().count(should_stop)

    def report(self) -> Any:
        return self._real().report()

    def close(self) -> None:
        """Saves what was counted."""
        # A folder that is gone was uninstalled: saving would bring it back.
        state = self._state_directory
        if self._counter is not None and (state is None or os.path.isdir(state)):
            self._counter.close()

    def _real(self) -> Any:
        if self._counter is None:
            from workers.agent.data import DatasetCounter

            self._counter = DatasetCounter(self._state_directory)
        return self._counter


def _cache_directory(state: Optional[str], node_key: str) -> Optional[str]:
    """The node's own folder in the state directory: a home may be shared by several nodes."""
    if state is None:
        return None
    path = os.path.join(state, "nodes", node_key)
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError:
        return None
    return path
