from pathlib import Path

import pytest

from tests.agent_data.counting import Data


@pytest.fixture
def data(tmp_path: Path) -> Data:
    root = tmp_path / "root"
    root.mkdir()
    return Data(root)
