"""What of this machine is to be backed up, and what of it is not yet."""

from dataclasses import dataclass
from pathlib import Path

from workers.harness import CorruptData, Misconfigured
from workers.jobs.document import Document
from workers.jobs.remote.models import MODELS, model_part
from workers.jobs.stores import store_of
from workers.ledger.manifest import Manifest, folder_of
from workers.records.consolidated import generations

WHAT = ("consolidated", "models")


@dataclass(frozen=True)
class Orders:
    """``root`` is the destination's folder; ``stores`` dataset → its consolidated store; ``models`` name →
    folder."""

    root: Path
    stores: dict[str, Path]
    models: dict[str, Path]

    @property
    def parts(self) -> list[str]:
        """What progress is shown of: each dataset and each models folder."""
        return [*self.datasets, *(model_part(name) for name in self.models)]

    @property
    def datasets(self) -> list[str]:
        return list(self.stores)


def orders_of(document: Document) -> Orders:
    """Raises Misconfigured with the place of what is wrong."""
    if document.destination.node != document.here:
        raise Misconfigured(
            f"the backup runs on {document.here}, but the data lie on {document.destination.node}: "
            "a backup runs where the consolidated store is"
        )
    what = document.fields().texts("what", WHAT)
    strangers = [word for word in what if word not in WHAT]
    if strangers or not what:
        raise Misconfigured(f"options.what: {strangers or 'nothing'}: wanted: {', '.join(WHAT)}")
    datasets = tuple(each.name for each in document.datasets) if WHAT[0] in what else ()
    if MODELS in datasets:
        raise Misconfigured(f"a dataset named {MODELS!r} cannot be backed up: models lie there")
    return Orders(
        root=Path(document.destination.path).expanduser(),
        stores={name: store_of(document, name) for name in datasets},
        models=_models(document) if WHAT[1] in what else {},
    )


def _models(document: Document) -> dict[str, Path]:
    root = Path(document.host(document.here).root).expanduser()
    found: dict[str, Path] = {}
    for text in document.fields().texts("models", ()):
        folder = root / Path(text).expanduser()
        if folder.name in found:
            raise Misconfigured(
                f"options.models: {folder} and {found[folder.name]} would lie at one place of the remote: "
                "back them up by two jobs with different prefixes"
            )
        found[folder.name] = folder
    return found


def pending(orders: Orders, dataset: str, remote: str) -> list[int]:
    """The finished generations above the newest that this remote has, ascending. Raises CorruptData."""
    manifest = Manifest(folder_of(str(orders.root), dataset), "backed_up")
    try:
        entries = manifest.read().entries
    except OSError as error:
        raise CorruptData(f"{manifest.path}: cannot be read: {error.strerror}") from error
    newest = max((each.generation for each in entries if each.remote == remote), default=-1)
    return [number for number in generations(orders.stores[dataset]) if number > newest]
