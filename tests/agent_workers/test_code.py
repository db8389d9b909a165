"""The code of our own workers on a node: kept once, whole or not at all, and found by the workers that name it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.channels.worker_code import WorkerCode, worker_code
from workers.agent.workers.code import path_of, store, with_code
from workers.protocol import CodeStored, Failure, StoreCode, Variable, WorkerSpec, encode_message

SPEC = WorkerSpec("a" * 32, "w", ("python3", "-m", "workers.selfplay"))


@pytest.fixture
def node(tmp_path: Path) -> str:
    folder = tmp_path / "nodes" / "key"
    folder.mkdir(parents=True)
    return str(folder)


@pytest.fixture
def code() -> WorkerCode:
    return worker_code()


def test_it_comes_once_and_is_private(node: str, code: WorkerCode) -> None:
    assert store(StoreCode(code.digest), node) == CodeStored(False)
    assert store(StoreCode(code.digest, code.pieces), node) == CodeStored(True)
    assert store(StoreCode(code.digest), node) == CodeStored(True)
    path = Path(path_of(node, code.digest))
    assert path.read_bytes() == code.data
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert os.listdir(path.parent) == [path.name]


def test_it_fits_into_one_frame(code: WorkerCode) -> None:
    assert len(encode_message(StoreCode(code.digest, code.pieces), 1)) < 4 * 1024 * 1024


def test_bytes_that_are_not_what_their_name_says_are_not_kept(node: str, code: WorkerCode) -> None:
    for wrong in (
        StoreCode(code.digest, code.pieces[:-1]),
        StoreCode(code.digest, ("no base64!",)),
        StoreCode("../" * 20 + "abcd", code.pieces),
    ):
        answer = store(wrong, node)
        assert isinstance(answer, Failure)
        assert answer.code == "bad_request"
    assert not Path(path_of(node, code.digest)).parent.exists()


def test_a_worker_finds_it_before_what_its_python_path_had(node: str, code: WorkerCode) -> None:
    spec = SPEC._replace(code=code.digest)
    _, refusal = with_code(spec, node, {})
    assert refusal is not None
    assert "start it again" in refusal
    store(StoreCode(code.digest, code.pieces), node)
    found, refusal = with_code(spec, node, {"PYTHONPATH": "/theirs"})
    assert refusal is None
    path = path_of(node, code.digest)
    assert found.environment == (Variable("PYTHONPATH", f"{path}:/theirs"),)
    own = spec._replace(environment=(Variable("PYTHONPATH", "/preset"),))
    assert with_code(own, node, {})[0].environment == (Variable("PYTHONPATH", f"{path}:/preset"),)
    assert with_code(SPEC, node, {}) == (SPEC, None)
