"""The errand program of a machine of the document; what it says no to, in the words of jobs."""

from collections.abc import Iterator
from contextlib import contextmanager

from workers.errands.client import Errand
from workers.errands.faults import ErrandFailed, Unreachable
from workers.harness import CorruptData, Misconfigured, WorkerError
from workers.jobs.document import Host
from workers.jobs.errors import NoRoom, NotReached, Passing, Refused

_ERRORS: dict[str, type[WorkerError]] = {
    "bad_request": Misconfigured,
    "unsafe_name": Refused,
    "gone": Refused,
    "changed": Passing,
    "corrupt": CorruptData,
    "conflict": Refused,
    "busy": Refused,
    "fenced": Refused,
    "no_space": NoRoom,
    "not_permitted": Refused,
    "no_python": Misconfigured,
}


@contextmanager
def reached(host: Host) -> Iterator[Errand]:
    """An open errand on a machine. Raises NotReached, Refused where no job can reach it, and what `asked` does."""
    if host.problem is not None:
        raise Refused(host.problem)
    with asked():
        errand = Errand.open(host.mapping(), host.name)
        with errand:
            _check_identity(host, errand)
            yield errand


@contextmanager
def asked() -> Iterator[None]:
    """Turns the faults of errands inside into errors of jobs."""
    try:
        yield
    except Unreachable as fault:
        raise NotReached(fault.text) from fault
    except ErrandFailed as fault:
        raise _ERRORS.get(fault.code, WorkerError)(fault.text) from fault


def _check_identity(host: Host, errand: Errand) -> None:
    if host.node_key and host.node_key != errand.node_key:
        raise Refused(
            f"another machine answers there ({errand.hostname}): its key is {errand.node_key[:12]}, "
            f"{host.name}'s was {host.node_key[:12]}; nothing was touched"
        )
