"""A search, or a look for faults, as the agent answers it: by a child that may be slow, or be ended."""

from typing import Any, Optional

from workers.agent.logs.child import Child, ChildLost
from workers.agent.logs.child_main import MOST_BUDGET_S
from workers.protocol import AGENT_MESSAGES, Failure, decode_message, encode_message

_PATIENCE_S = 8.0  # beyond the budget: it must start first, on a machine that is busy


def answer(ask: Any, node_folder: Optional[str], root: str) -> Any:
    """``LogMatches``, ``LogErrors`` or a ``Failure``. Raises OSError."""
    child = Child(node_folder, root)
    try:
        child.send(encode_message(ask))
        frame = child.receive(min(MOST_BUDGET_S, max(0.0, ask.budget_s)) + _PATIENCE_S)
        return decode_message(frame.payload, AGENT_MESSAGES)
    except ChildLost as error:
        return Failure("failed", str(error))
    finally:
        child.close()
