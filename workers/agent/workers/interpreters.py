"""Which Python a worker gets: the first of its list that runs and imports what it needs."""

import os
import sys
import threading
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from workers.agent.workers.errand_process import capture
from workers.protocol import NO_INTERPRETER

IMPORT_S = 20.0  # a first import of torch reads half a gigabyte
_PROGRAM = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
PYTHONS = ("python", "python3")
_LAST_WORDS = 300


class Interpreter(NamedTuple):
    """A Python that runs. ``environment`` is the virtual environment it lies in, "" for none."""

    path: str
    environment: str = ""

    def variables(self, search_path: str) -> Dict[str, str]:
        """What a virtual environment's `activate` would set."""
        if not self.environment:
            return {}
        folder = os.path.dirname(self.path)
        return {"VIRTUAL_ENV": self.environment, "PATH": f"{folder}:{search_path}"}


class Choice(NamedTuple):
    """``interpreter`` None with a refusal: none will do; None without: none was asked for."""

    interpreter: Optional[Interpreter] = None
    notes: Tuple[str, ...] = ()
    refusal: str = ""


class Interpreters:
    """Tries them, and remembers what a Python said as long as neither it nor its packages changed."""

    def __init__(self) -> None:
        self._known: Dict[Tuple[object, ...], str] = {}
        self._lock = threading.Lock()

    def choose(
        self,
        wanted: Sequence[str],
        needs: Sequence[str],
        root: str,
        folder: str,
        environment: Mapping[str, str],
    ) -> Choice:
        """``wanted`` are Pythons or virtual environments, relative to ``root``; ``folder`` is where it
        would run. Falls back to the system's python3, then to our own, and says so."""
        if not wanted and not needs:
            return Choice()
        notes: List[str] = []
        for place in wanted:
            found, problem = find(place, root, environment.get("PATH", ""))
            if found is not None:
                problem = self._problem(found, needs, folder, environment)
                if not problem:
                    return Choice(found, tuple(notes))
            notes.append(f"{place}: {problem}")
        return self._fall_back(notes, bool(wanted), needs, folder, environment)

    def _fall_back(
        self,
        notes: List[str],
        listed: bool,
        needs: Sequence[str],
        folder: str,
        environment: Mapping[str, str],
    ) -> Choice:
        problem = "there is no python3 in the PATH of the login environment"
        for found in _unlisted(environment):
            why = self._problem(found, needs, folder, environment)
            if not why:
                if listed:
                    notes.append(f"none of the listed Pythons will do: {found.path} is used")
                return Choice(found, tuple(notes))
            problem = f"{found.path}: {why}"
        return Choice(None, tuple(notes), _refusal(notes, problem, needs))

    def _problem(
        self,
        interpreter: Interpreter,
        needs: Sequence[str],
        folder: str,
        environment: Mapping[str, str],
    ) -> str:
        """Why it will not do; "" where it does."""
        key = (interpreter.path, tuple(needs), folder, *_stamp(interpreter))
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        variables = dict(environment)
        variables.update(interpreter.variables(environment.get("PATH", "")))
        argv = (interpreter.path, "-c", _PROGRAM, *needs)
        outcome = capture(argv, variables, folder, IMPORT_S)
        problem = _words(outcome.error, outcome.late, outcome.code, outcome.output, needs)
        if not problem:  # a failure is tried again: somebody may be installing right now
            with self._lock:
                self._known[key] = problem
        return problem


def _unlisted(environment: Mapping[str, str]) -> List[Interpreter]:
    """The system's, and the agent's own: on the console's machine that is the console's."""
    found = [on_path("python3", environment.get("PATH", ""))]
    if sys.executable and os.access(sys.executable, os.X_OK):
        found.append(_at(sys.executable))
    return list(dict.fromkeys(each for each in found if each is not None))


def find(place: str, root: str, search_path: str) -> Tuple[Optional[Interpreter], str]:
    """A listed Python: a virtual environment's folder, a path, or a name on the PATH; else why not."""
    if "/" not in place and not os.path.isdir(os.path.join(root, place)):
        found = on_path(place, search_path)
        return found, "" if found else "it is neither there nor a program of the login environment"
    path = os.path.join(root, os.path.expanduser(place))
    if os.path.isdir(path):
        for name in PYTHONS:
            inner = os.path.join(path, "bin", name)
            if os.access(inner, os.X_OK):
                return Interpreter(inner, path if _is_environment(path) else ""), ""
        return None, "there is no Python in it"
    if not os.path.lexists(path):
        return None, "it is not there"
    if not os.access(path, os.X_OK):
        return None, "it cannot be executed"
    return _at(path), ""


def on_path(name: str, search_path: str) -> Optional[Interpreter]:
    """A program of the PATH."""
    for folder in search_path.split(":"):
        path = os.path.join(folder, name)
        if folder.startswith("/") and os.path.isfile(path) and os.access(path, os.X_OK):
            return _at(path)
    return None


def _at(path: str) -> Interpreter:
    # The link itself counts, not its target: a virtual environment's python links to the system's.
    home = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    return Interpreter(os.path.abspath(path), home if _is_environment(home) else "")


def _is_environment(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "pyvenv.cfg")) or os.path.isdir(
        os.path.join(folder, "conda-meta")
    )


def _stamp(interpreter: Interpreter) -> Tuple[object, ...]:
    """Changes when the Python or its packages change."""
    places = [interpreter.path]
    if interpreter.environment:
        library = os.path.join(interpreter.environment, "lib")
        try:
            names = sorted(os.listdir(library))
        except OSError:
            names = []
        places += [os.path.join(library, n, "site-packages") for n in names if n[:6] == "python"]
    found: List[object] = []
    for place in places:
        try:
            status = os.stat(place)
            found.append((status.st_dev, status.st_ino, status.st_mtime_ns))
        except OSError:
            found.append(None)
    return tuple(found)


def _words(error: str, late: bool, code: Optional[int], output: bytes, needs: Sequence[str]) -> str:
    if error:
        return f"it cannot be run: {error}"
    if late:
        return f"it did not import {', '.join(needs) or 'anything'} within {IMPORT_S:.0f} s"
    if code == 0:
        return ""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return (lines[-1] if lines else f"it ended with code {code}")[:_LAST_WORDS]


def _refusal(notes: Sequence[str], last: str, needs: Sequence[str]) -> str:
    wanted = f" and imports {', '.join(needs)}" if needs else ""
    tried = "; ".join([*notes, last])
    cure = f": install {' '.join(needs)} into one of them" if needs else ""
    return f"{NO_INTERPRETER}{wanted} ({tried}){cure}, or name another interpreter in the preset"
