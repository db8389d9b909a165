"""What needs torch or numpy is left out without them. One thread each."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

collect_ignore_glob = (
    []
    if find_spec("torch") and find_spec("numpy")
    else ["test_[!ms]*", "test_matches*", "test_strength*"]
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)
