"""Which GPUs a worker gets: those the driver shows, without those that live runs hold by our records."""

from typing import AbstractSet, Mapping, NamedTuple, Sequence, Tuple

from workers.protocol import GpuProcess, GpuReport, WorkerSpec


class GpuChoice(NamedTuple):
    indices: Tuple[int, ...] = ()
    notes: Tuple[str, ...] = ()
    refusal: str = ""


def choose(spec: WorkerSpec, report: GpuReport, held: Mapping[int, str]) -> GpuChoice:
    """``held`` names the run that holds each GPU. Asked-for indices are taken as they are, or refused.

    GPUs nobody computes on come first: others than us may use them too.
    """
    wanted = len(spec.gpu_indices) or spec.gpus
    if wanted == 0:
        return GpuChoice()
    usable = [gpu for gpu in report.gpus if not gpu.lost]
    shown = {gpu.gpu_index for gpu in usable}
    if not shown:
        why = report.fault or "the driver shows none"
        return GpuChoice(refusal=f"{_gpus(wanted)} wanted, but {why}")
    if spec.gpu_indices:
        return _exactly(spec.gpu_indices, shown, held)
    free = [gpu for gpu in usable if gpu.gpu_index not in held]
    if len(free) < wanted:
        taken = _holders(held, shown)
        return GpuChoice(
            refusal=f"{_gpus(wanted)} wanted, {len(free)} of {len(shown)} free: {taken}"
        )
    free.sort(key=lambda gpu: (len(gpu.processes) > 0, gpu.gpu_index))
    chosen = free[:wanted]
    busy = [gpu for gpu in chosen if gpu.processes]
    notes = [f"GPU {gpu.gpu_index} is also used by {_others(gpu.processes)}" for gpu in busy]
    return GpuChoice(tuple(sorted(gpu.gpu_index for gpu in chosen)), tuple(notes))


def _exactly(indices: Sequence[int], shown: AbstractSet[int], held: Mapping[int, str]) -> GpuChoice:
    absent = [index for index in indices if index not in shown]
    if absent:
        return GpuChoice(refusal=f"the driver shows no GPU {', '.join(map(str, absent))}")
    taken = {index: held[index] for index in indices if index in held}
    if taken:
        return GpuChoice(refusal=f"not free: {_holders(taken, set(taken))}")
    return GpuChoice(tuple(indices))


def _gpus(count: int) -> str:
    return "1 GPU is" if count == 1 else f"{count} GPUs are"


def _holders(held: Mapping[int, str], shown: AbstractSet[int]) -> str:
    named = [f"GPU {index} is held by {held[index]}" for index in sorted(held) if index in shown]
    return "; ".join(named) or "none is held by a run of ours"


def _others(processes: Sequence[GpuProcess]) -> str:
    pids = ", ".join(str(process.pid) for process in processes[:3])
    return f"process {pids}" if len(processes) == 1 else f"processes {pids}"
