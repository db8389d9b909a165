"""bfloat16 is taken by itself only where the device has it."""

from __future__ import annotations

from pathlib import Path

import torch

from workers.training.precision import computes_in_bfloat16

CPU = torch.device("cpu")


def test_auto_looks_at_the_cpu(tmp_path: Path) -> None:
    able, unable = tmp_path / "able", tmp_path / "unable"
    able.write_text("flags : fpu avx512_bf16 sse\n")
    unable.write_text("flags : fpu avx2\n")
    assert computes_in_bfloat16("auto", CPU, able)
    assert not computes_in_bfloat16("auto", CPU, unable)
    assert not computes_in_bfloat16("auto", CPU, tmp_path / "absent")
    assert not computes_in_bfloat16("float32", CPU, able)
    assert computes_in_bfloat16("bfloat16", CPU, unable)
