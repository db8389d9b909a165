"""The folder of a consolidated store: what counts there, what a dead run left, and how a generation is added."""

import os
import shutil
from pathlib import Path
from typing import Any

from workers.harness.errors import CorruptData
from workers.records.consolidated import (
    encode_manifest,
    folder_name,
    folders,
    generations,
    manifest_name,
    parts_of,
    read_manifest,
)
from workers.records.disk import make_folders, sync_folder, write_whole

_WORK = ".work"  # keys and what DuckDB spills
_DRAFT = ".draft-"


class Store:
    """Only one job may be in a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifests: list[dict[str, Any]] = []

    def open(self) -> None:
        """Reads the manifests. Raises OSError, Misconfigured, CorruptData for a damaged manifest, for a part
        that is missing or of another size, and for a generation without a manifest."""
        found = generations(self.folder)
        bare = sorted({*folders(self.folder)} - {*found})
        if bare:
            raise CorruptData(
                f"{self.folder / folder_name(bare[0])}: has no manifest, as if its restore did not end; "
                "restore it again or move it away. Nothing was done"
            )
        self.manifests = [read_manifest(self.folder, number) for number in found]
        for manifest in self.manifests:
            for part in parts_of(manifest):
                _check(self.path_of(manifest, part.path), part.bytes)

    @property
    def next_generation(self) -> int:
        return max((manifest["generation"] for manifest in self.manifests), default=0) + 1

    @property
    def records(self) -> int:
        return sum(manifest["rows"] for manifest in self.manifests)

    def path_of(self, manifest: dict[str, Any], name: str) -> Path:
        return self.folder / folder_name(manifest["generation"]) / name

    def parts(self) -> list[Path]:
        """Of all generations."""
        return [
            self.path_of(manifest, part.path)
            for manifest in self.manifests
            for part in parts_of(manifest)
        ]

    # ------------------------------------------------------------ what a dead run left

    def tidy(self) -> list[str]:
        """Removes drafts, and names them. Raises OSError."""
        make_folders(self.folder)
        left = [path for path in self.folder.iterdir() if path.name.startswith((_WORK, _DRAFT))]
        for path in left:
            shutil.rmtree(path)
        return sorted(path.name for path in left)

    def work(self) -> Path:
        """A fresh folder for what nobody keeps. Raises OSError."""
        folder = self.folder / _WORK
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def end_work(self) -> None:
        shutil.rmtree(self.folder / _WORK, ignore_errors=True)

    # ------------------------------------------------------------ a new generation

    def draft(self, generation: int) -> Path:
        """Where its files are written. Raises OSError."""
        folder = self._draft_of(generation)
        folder.mkdir()
        return folder

    def drop(self, generation: int) -> None:
        """Removes the draft."""
        shutil.rmtree(self._draft_of(generation), ignore_errors=True)

    def add(self, manifest: dict[str, Any]) -> None:
        """The durable files of the draft become a generation: the manifest last, then the folder's name.
        Raises OSError."""
        generation = manifest["generation"]
        draft, name = self._draft_of(generation), manifest_name(generation)
        sync_folder(draft)
        write_whole(draft / (_DRAFT + name), draft / name, encode_manifest(manifest))
        os.rename(draft, self.folder / folder_name(generation))
        sync_folder(self.folder)
        self.manifests.append(manifest)

    def _draft_of(self, generation: int) -> Path:
        return self.folder / (_DRAFT + folder_name(generation))


def _check(path: Path, size: int) -> None:
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        raise CorruptData(
            f"{path}: a part of the store is missing; restore it from a backup"
        ) from None
    if found != size:
        raise CorruptData(
            f"{path}: {found} bytes, its manifest says {size}; restore it from a backup"
        )
