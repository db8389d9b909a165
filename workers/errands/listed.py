"""A listing as it arrives, row by row, each of them checked.

Standard library only, Python 3.9.
"""

from typing import Any, Dict, List, Sequence

from workers.errands.answers import MOST_FILES, absolute, field, is_safe_path, texts, words
from workers.errands.faults import ErrandFailed
from workers.errands.shapes import Listing
from workers.ledger.shapes import Damaged, DataFile, file_of


class Listed:
    """Of the machine ``name``. A path that may form none elsewhere becomes a problem of its dataset."""

    def __init__(self, name: str, datasets: Sequence[str]) -> None:
        self._name = name
        self._files: Dict[str, List[DataFile]] = {each: [] for each in datasets}
        self._problems: Dict[str, List[str]] = {each: [] for each in datasets}
        self._count = 0

    def take(self, rows: Any) -> None:
        """Raises ErrandFailed."""
        answer: List[Any] = rows if type(rows) is list else [None]
        for row in answer:
            self._count += 1
            try:
                dataset = row[0]
                file, files = file_of(row[1:]), self._files[dataset]
            except (Damaged, KeyError, TypeError, IndexError):
                raise ErrandFailed("failed", f"{self._name}: listed what is no file") from None
            if is_safe_path(file.path):
                files.append(file)
            else:
                self._problems[dataset].append(f"{words(file.path)}: refused, its name is unsafe")
        if self._count > MOST_FILES:
            raise ErrandFailed("failed", f"{self._name}: lists more than {MOST_FILES:,} files")

    def listing(self, node_key: str, result: Any) -> Listing:
        """With what came last. Raises ErrandFailed."""
        said = field(result, "problems", dict, self._name)
        problems = {
            dataset: (*texts(said.get(dataset)), *own[:20])
            for dataset, own in self._problems.items()
        }
        return Listing(
            node_key,
            absolute(field(result, "root", str, self._name), self._name),
            field(result, "free_bytes", int, self._name),
            {dataset: tuple(files) for dataset, files in self._files.items()},
            problems,
        )
