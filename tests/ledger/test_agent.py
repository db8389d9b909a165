"""The ledger's questions, asked of a real agent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents import AgentProcess
from tests.ledger.entries import synced
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import DataFile, decode, decode_file
from workers.protocol import Failure, FileList, Hello, ListFiles, ManifestPart, ReadManifest


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    with AgentProcess(tmp_path / "state") as process:
        yield process


def ask_files(agent: AgentProcess, root: Path, **more: object) -> list[FileList]:
    pages: list[FileList] = []
    after = ""
    while True:
        question = ListFiles(("data/*.jsonl",), "lines", str(root), after, **more)  # type: ignore[arg-type]
        agent.send(question, 7)
        pages.append(agent.receive(FileList, 7))
        after = pages[-1].next or ""
        if not after:
            return pages


def files_of(pages: list[FileList]) -> list[DataFile]:
    return [decode_file(line) for page in pages for line in page.files]


def test_it_lists_the_files_of_a_dataset(agent: AgentProcess, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/ü.jsonl").write_text('{"a":1}\n{"a":2}\n{"torn')
    os.mkfifo(tmp_path / "data/f.jsonl")
    greeting = agent.receive(Hello)
    (page,) = ask_files(agent, tmp_path)
    (file,) = files_of([page])
    assert (file.path, file.size, file.prefix_bytes, file.records) == ("data/ü.jsonl", 22, 16, 2)
    assert file.kind == "lines"
    assert page.node_key == greeting.node_key
    assert page.free_bytes > 0
    assert page.problems == ("data/f.jsonl: a FIFO, refused",)


def test_many_files_come_in_pages_none_twice_none_missing(
    agent: AgentProcess, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    for number in range(25):
        (tmp_path / f"data/{number}.jsonl").write_text("{}\n" * number)
    pages = ask_files(agent, tmp_path, limit=10)
    assert [len(page.files) for page in pages] == [10, 10, 5]
    found = {file.path: file.records for file in files_of(pages)}
    assert found == {f"data/{number}.jsonl": number for number in range(25)}


def test_a_manifest_comes_in_pages_and_goes_on_where_it_was(
    agent: AgentProcess, tmp_path: Path
) -> None:
    manifest = Manifest(folder_of(str(tmp_path / "d"), "games"), "synced")
    asked = ReadManifest(str(tmp_path / "d"), "games", "synced")
    agent.send(asked, 3)
    part = agent.receive(ManifestPart, 3)
    assert (part.exists, part.present, part.lines) == (False, False, ())
    entries = [synced(f"data/{number:04d}.jsonl" + "x" * 200) for number in range(4000)]
    manifest.append(entries)
    found, pages = [], 0
    while True:
        agent.send(asked, 3)
        part = agent.receive(ManifestPart, 3)
        found += [decode("synced", line.encode()) for line in part.lines]
        asked, pages = asked._replace(offset=part.offset), pages + 1
        if not part.more:
            break
    assert found == entries
    assert pages > 1
    assert part.exists
    manifest.append([synced("one more")])
    agent.send(asked, 3)
    (line,) = agent.receive(ManifestPart, 3).lines
    assert decode("synced", line.encode()) == synced("one more")


def test_a_manifest_that_was_replaced_is_told_anew(agent: AgentProcess, tmp_path: Path) -> None:
    manifest = Manifest(folder_of(str(tmp_path), "games"), "synced")
    manifest.append([synced()])
    agent.send(ReadManifest(str(tmp_path), "games", "synced", 10_000), 3)
    part = agent.receive(ManifestPart, 3)
    assert part.anew
    assert len(part.lines) == 1


@pytest.mark.parametrize("dataset", ["../x", "/etc", "a/b", ".", "a\x1bb", "--x"])
def test_a_dataset_that_is_no_folder_is_refused(
    agent: AgentProcess, tmp_path: Path, dataset: str
) -> None:
    agent.send(ReadManifest(str(tmp_path), dataset, "synced"), 3)
    assert "the dataset" in agent.receive(Failure, 3).text


def test_a_manifest_that_cannot_be_read_is_no_empty_one(
    agent: AgentProcess, tmp_path: Path
) -> None:
    folder = Path(folder_of(str(tmp_path), "games"))
    (folder / "synced.jsonl").mkdir(parents=True)
    agent.send(ReadManifest(str(tmp_path), "games", "synced"), 3)
    assert "not a regular file" in agent.receive(Failure, 3).text
