"""What is to be restored, and into which folder."""

from dataclasses import dataclass
from pathlib import Path

from workers.harness import Misconfigured
from workers.jobs.document import Document
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.models import model_names

WHAT = ("consolidated", "models")


@dataclass(frozen=True)
class Orders:
    """``generation``: all up to this one, None for all. ``models``: names, empty for all that are there."""

    folder: Path
    datasets: tuple[str, ...]
    generation: int | None
    wants_models: bool
    models: tuple[str, ...]


def orders_of(document: Document) -> Orders:
    """Raises Misconfigured with the place of what is wrong."""
    fields = document.fields()
    folder = Path(fields.text("to")).expanduser()
    if not folder.is_absolute():
        raise Misconfigured(f"options.to: a path from '/' or '~' is wanted, found {str(folder)!r}")
    what = fields.texts("what", WHAT)
    strangers = [word for word in what if word not in WHAT]
    if strangers or not what:
        raise Misconfigured(f"options.what: {strangers or 'nothing'}: wanted: {', '.join(WHAT)}")
    numbered = fields.body.get("generation") is not None
    return Orders(
        folder=folder,
        datasets=tuple(each.name for each in document.datasets) if WHAT[0] in what else (),
        generation=fields.whole("generation") if numbered else None,
        wants_models=WHAT[1] in what,
        models=tuple(Path(text).name for text in fields.texts("models", ())),
    )


def models_of(orders: Orders, caller: Caller) -> list[str]:
    """Of those that are asked for, or all that the remote has. Raises WorkerError."""
    if not orders.wants_models:
        return []
    return list(orders.models) or model_names(caller)
