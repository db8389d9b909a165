"""Credentials for the object store, and a prefix of each test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.object_store import ObjectStore, environment


@pytest.fixture
def environ(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The remote `store:`, for a job and for the test itself. It may not touch other buckets."""
    found = environment(object_store.keeper, object_store.endpoint)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def remote(tmp_path: Path) -> str:
    return f"store:bucket/{tmp_path.parent.name}/{tmp_path.name}"
