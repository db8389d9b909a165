"""Which code answers which message about workers."""

from typing import Any, Callable, Dict

from workers.protocol import (
    AdoptProcess,
    CheckWorker,
    ClearOrphan,
    CommandWorker,
    DescribeWorker,
    FindOrphans,
    ForgetWorker,
    StartWorker,
    StoreCode,
)


def _start(message: StartWorker, room: Any) -> Any:
    from workers.agent.workers.starting import start

    return start(message.spec, room)


def _check(message: CheckWorker, room: Any) -> Any:
    from workers.agent.workers.starting import check

    return check(message.spec, room)


def _command(message: CommandWorker, room: Any) -> Any:
    from workers.agent.workers.commanding import command

    return command(message, room)


def _forget(message: ForgetWorker, room: Any) -> Any:
    from workers.agent.workers.commanding import forget

    return forget(message, room)


def _describe(message: DescribeWorker, room: Any) -> Any:
    from workers.agent.workers.describing import describe

    return describe(message, room)


def _orphans(_: FindOrphans, room: Any) -> Any:
    from workers.agent.workers.orphans import find

    return find(room.runs())


def _adopt(message: AdoptProcess, room: Any) -> Any:
    from workers.agent.workers.adopting import adopt

    return adopt(message, room)


def _clear(message: ClearOrphan, room: Any) -> Any:
    from workers.agent.workers.clearing import clear

    return clear(message, room)


def _store_code(message: StoreCode, room: Any) -> Any:
    from workers.agent.workers.code import store

    return store(message, room.node_folder)


# Each answer's code is imported when it is first wanted.
ANSWERS: Dict[Any, Callable[[Any, Any], Any]] = {
    StartWorker: _start,
    CheckWorker: _check,
    CommandWorker: _command,
    ForgetWorker: _forget,
    DescribeWorker: _describe,
    FindOrphans: _orphans,
    AdoptProcess: _adopt,
    ClearOrphan: _clear,
    StoreCode: _store_code,
}
