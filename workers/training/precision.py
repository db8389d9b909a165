"""In which numbers the network computes; weights, losses and averages are float32 always."""

from pathlib import Path

import torch

_CPU = Path("/proc/cpuinfo")
_NATIVE = ("avx512_bf16", "amx_bf16")


def computes_in_bfloat16(asked: str, device: torch.device, cpu: Path = _CPU) -> bool:
    """``auto`` takes bfloat16 where the device has it in hardware: two thirds of the time of a step on such a
    CPU, and slower than float32 on others."""
    if asked != "auto":
        return asked == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        found = cpu.read_text()
    except OSError:
        return False
    return device.type == "cpu" and any(word in found for word in _NATIVE)
