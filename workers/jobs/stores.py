"""Where the consolidated store of a dataset lies."""

from pathlib import Path

from workers.jobs.document import Document
from workers.ledger.names import CONSOLIDATED


def store_of(document: Document, dataset: str) -> Path:
    """``options.store``, or the destination's own place for it; a folder for each dataset where one store is told
    for several. Raises Misconfigured."""
    fields = document.fields()
    told = fields.text("store", "")
    if not told:
        return Path(document.destination.path).expanduser() / dataset / CONSOLIDATED
    if not told.startswith(("/", "~")):
        raise fields.wrong("store", "a path from '/' or '~'")
    path = Path(told).expanduser()
    return path if len(document.datasets) == 1 else path / dataset
