"""Pairs for runs: one starter for the agent's life, given the node's login environment."""

import threading
from typing import Any, Optional, Tuple

from workers.agent.workers.login_environment import LoginEnvironment
from workers.supervisor.run import Run


class Launching:
    """Safe to use from several threads; one pair is launched at a time."""

    def __init__(self, source: str, environment: LoginEnvironment) -> None:
        self._source = source
        self._environment = environment
        self._lock = threading.Lock()
        self._launcher: Optional[Any] = None
        self._closed = False

    def launch(self, run: Run) -> Tuple[str, ...]:
        """Sees that a pair holds the run's lock. A failure is a note: the run waits for the next try."""
        with self._lock:
            if self._closed:
                return ()
            try:
                self._get().launch(run.paths.folder)
            except OSError as error:
                self._drop()
                why = error.strerror or str(error)
                return (
                    f"{run.spec().name}: its supervisor could not be started ({why});"
                    " it is tried again every few seconds",
                )
        return ()

    def close(self) -> None:
        """Ends the starter; what it launched stays."""
        with self._lock:
            self._closed = True
            self._drop()

    def _get(self) -> Any:
        if self._launcher is None:
            from workers.supervisor.launch import Launcher

            self._launcher = Launcher(self._environment.variables(), self._source)
        return self._launcher

    def _drop(self) -> None:
        launcher, self._launcher = self._launcher, None
        if launcher is not None:
            launcher.close()
