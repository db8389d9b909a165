"""Several processes that train one network, by torchrun's environment names. One process alone is a rank too."""

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import torch
from torch import distributed, nn

from workers.harness import Misconfigured, Worker

_PATIENCE = timedelta(minutes=30)
_LOOK_S = 0.1


class Ranks(NamedTuple):
    """Rank 0 reads listings, writes checkpoints and speaks for all."""

    rank: int
    world: int
    device: torch.device

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def wrap(self, network: nn.Module) -> nn.Module:
        """Gradients are averaged over the ranks in its backward pass."""
        if self.world == 1:
            return network
        ids = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=ids)

    def any(self, flags: Sequence[bool]) -> list[bool]:
        """Each flag, whether any rank has it; the same on all."""
        if self.world == 1:
            return list(flags)
        found = torch.tensor(flags, dtype=torch.int32, device=self.device)
        distributed.all_reduce(found, op=distributed.ReduceOp.MAX)
        return [bool(flag) for flag in found.tolist()]

    def mean(self, numbers: Sequence[float]) -> list[float]:
        """Over the ranks."""
        if self.world == 1:
            return list(numbers)
        found = torch.tensor(numbers, dtype=torch.float64).to(self.device)
        distributed.all_reduce(found)
        return [number / self.world for number in found.tolist()]

    def share(self, value: Any) -> Any:
        """What rank 0 has, as JSON makes it: torch's own way would pickle."""
        if self.world == 1:
            return json.loads(json.dumps(value))
        body = json.dumps(value).encode() if self.leads else b""
        size = torch.tensor([len(body)], device=self.device)
        distributed.broadcast(size, 0)
        sent = torch.zeros(int(size), dtype=torch.uint8, device=self.device)
        if self.leads:
            sent.copy_(torch.frombuffer(bytearray(body), dtype=torch.uint8))
        distributed.broadcast(sent, 0)
        return json.loads(sent.cpu().numpy().tobytes())


def is_follower(environ: Mapping[str, str]) -> bool:
    """Whether this process is one of several, and not the first."""
    return environ.get("RANK", "0") != "0"


@contextmanager
def joined(
    device: str, worker: Worker, environ: Mapping[str, str] | None = None
) -> Iterator[Ranks | None]:
    """This process among the others that ``WORLD_SIZE`` tells of; alone without it. gloo on CPUs, nccl on
    GPUs. None where it was told to end before they met. Raises Misconfigured."""
    found = os.environ if environ is None else environ
    try:
        rank, world = int(found.get("RANK", "0")), int(found.get("WORLD_SIZE", "1"))
        local = int(found.get("LOCAL_RANK", rank))
        chosen = _device(device, local)
    except (ValueError, RuntimeError) as error:
        raise Misconfigured(f"RANK, WORLD_SIZE, LOCAL_RANK or --device: {error}") from error
    if world == 1:
        yield Ranks(0, 1, chosen)
        return
    if not _meet("nccl" if chosen.type == "cuda" else "gloo", rank, world, worker):
        yield None
        return
    try:
        yield Ranks(rank, world, chosen)
    finally:
        distributed.destroy_process_group()


def _meet(backend: str, rank: int, world: int, worker: Worker) -> bool:
    """Waits for the others in a thread, because nothing interrupts it there: a stop is seen meanwhile, and
    gives False. Raises Misconfigured where the environment is not whole."""
    failed: list[Exception] = []

    def meet() -> None:
        try:
            distributed.init_process_group(backend, rank=rank, world_size=world, timeout=_PATIENCE)
        except Exception as error:  # a thread's outer edge: it is raised again below
            failed.append(error)

    thread = threading.Thread(target=meet, name="rendezvous", daemon=True)
    thread.start()
    worker.say(message=f"waits for {world - 1} other ranks")
    while thread.is_alive():
        thread.join(_LOOK_S)
        if thread.is_alive() and worker.ending:
            return False
    if failed and isinstance(failed[0], ValueError):
        raise Misconfigured(f"the ranks cannot meet: {failed[0]}") from failed[0]
    if failed:
        raise failed[0]
    return True


def _device(text: str, local_rank: int) -> torch.device:
    if text == "auto":
        text = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(text)
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", local_rank % max(1, torch.cuda.device_count()))
    torch.zeros(1, device=device)
    return device
