"""Pairs for runs: one starter for the agent's life, given the node's login environment."""

import threading
from typing import Any, Callable, Optional, Tuple

from workers.agent.workers.cradle import UNIT, Cradle
from workers.agent.workers.login_environment import LoginEnvironment
from workers.supervisor.run import Run


class Launching:
    """Safe to use from several threads. ``cradle`` says where a pair outlives the login."""

    def __init__(
        self, source: str, environment: LoginEnvironment, cradle: Callable[[], Cradle]
    ) -> None:
        self._source = source
        self._environment = environment
        self._cradle = cradle
        self._lock = threading.Lock()
        self._launcher: Optional[Any] = None
        self._in_units = False
        self._closed = False

    def launch(self, run: Run) -> Tuple[str, ...]:
        """Sees that a pair holds the run's lock. A failure is a note: the run waits for the next try."""
        cradle = self._cradle()
        if cradle.refusal:
            return (f"{run.spec().name} is not taken care of: {cradle.refusal}",)
        if cradle.kind == UNIT:
            problem = self._try(run, True)
            if not problem or cradle.needed:
                return _note(run, problem)
            # Here a forked pair outlives the login too.
        return _note(run, self._try(run, False))

    def close(self) -> None:
        """Ends the starter; what it launched stays."""
        with self._lock:
            self._closed = True
            self._drop()

    def _try(self, run: Run, in_unit: bool) -> str:
        """Why there is no pair; "" where there is one."""
        with self._lock:
            if self._closed:
                return ""
            try:
                self._get(in_unit).launch(run.paths.folder)
            except OSError as error:
                self._drop()
                return error.strerror or str(error)
        return ""

    def _get(self, in_units: bool) -> Any:
        if self._launcher is not None and self._in_units != in_units:
            self._drop()
        if self._launcher is None:
            from workers.supervisor.launch import Launcher

            variables = self._environment.variables()
            self._launcher, self._in_units = Launcher(variables, self._source, in_units), in_units
        return self._launcher

    def _drop(self) -> None:
        launcher, self._launcher = self._launcher, None
        if launcher is not None:
            launcher.close()


def _note(run: Run, problem: str) -> Tuple[str, ...]:
    if not problem:
        return ()
    return (
        f"{run.spec().name}: its supervisor could not be started ({problem});"
        " it is tried again every few seconds",
    )
