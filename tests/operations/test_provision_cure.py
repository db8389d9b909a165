"""What stands against a start for want of a module names the command that mends it."""

from __future__ import annotations

import pytest

from console.operations.provision import VENV, with_cure
from workers.protocol import NO_INTERPRETER, WorkerSpec

REFUSAL = f"{NO_INTERPRETER} and imports torch (/usr/bin/python3: no module named torch)"


def spec(*needs: str, interpreters: tuple[str, ...] = (f"~/{VENV}",)) -> WorkerSpec:
    return WorkerSpec("0" * 32, "w", ("python",), needs=needs, interpreters=interpreters)


@pytest.mark.parametrize(("module", "extra"), [("torch", "workers"), ("duckdb", "data")])
def test_a_missing_module_of_ours_is_a_word_away(module: str, extra: str) -> None:
    (text,) = with_cure("gpu-1", spec(module), [REFUSAL])
    assert f"quarterdeck nodes provision gpu-1 --extras {extra}" in text


def test_other_refusals_and_other_peoples_environments_are_left_as_they_are() -> None:
    assert with_cure("gpu-1", spec("torch"), ["no room on /"]) == ("no room on /",)
    assert with_cure("gpu-1", spec("transformers"), [REFUSAL]) == (REFUSAL,)
    assert with_cure("gpu-1", spec("torch", interpreters=("venv",)), [REFUSAL]) == (REFUSAL,)
