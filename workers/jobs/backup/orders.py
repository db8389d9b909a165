"""What of this machine is to be backed up, and what of it is not yet."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from workers.harness import CorruptData, Misconfigured
from workers.jobs.document import Document
from workers.jobs.remote.models import MODELS, model_part
from workers.jobs.stores import store_of
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import BackedUp
from workers.records.consolidated import generations, manifest_path

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
    """The finished generations above the newest that this remote has, ascending.

    Raises CorruptData where the store is not the one that was backed up: its numbers would mean other records.
    """
    manifest = Manifest(folder_of(str(orders.root), dataset), "backed_up")
    try:
        entries = [each for each in manifest.read().entries if each.remote == remote]
        there = generations(orders.stores[dataset])
    except OSError as error:
        raise CorruptData(f"{error.filename}: cannot be read: {error.strerror}") from error
    if not entries:
        return there
    newest = max(entries, key=lambda entry: entry.generation)
    if newest.generation in there:
        _check_same(orders.stores[dataset], newest)
    return [number for number in there if number > newest.generation]


def _check_same(store: Path, newest: BackedUp) -> None:
    body = manifest_path(store, newest.generation).read_bytes()
    if hashlib.blake2b(body, digest_size=16).hexdigest() != newest.hash:
        raise CorruptData(
            f"{store}: generation {newest.generation} is not the one that was backed up to {newest.remote}, as if "
            "the store had begun anew; nothing was sent: give it a prefix of its own"
        )
