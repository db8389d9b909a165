"""What a worker finds in its environment: the node's own login, its preset's, its secrets, and the contract's.

Nothing of the console or of ssh. Values are secrets: they never reach a message, a log or the disk.
"""

import os
from typing import Dict, Mapping

from workers import contract
from workers.protocol import SecretReference, WorkerSpec
from workers.supervisor.paths import AttemptPaths, RunPaths

_FOREIGN = ("SSH_", "QUARTERDECK_", "QD_")
_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_SECRET_LIMIT_BYTES = 64 * 1024


class NoSecret(Exception):
    """A secret's reference leads nowhere. Says which and why, never the value."""


def worker_environment(
    spec: WorkerSpec, login: Mapping[str, str], run: RunPaths, attempt: AttemptPaths
) -> Dict[str, str]:
    """The whole environment of one attempt. Raises NoSecret."""
    found = {name: value for name, value in login.items() if not name.startswith(_FOREIGN)}
    if spec.unbuffered:
        found["PYTHONUNBUFFERED"] = "1"
    if spec.threads is not None:
        found.update(dict.fromkeys(_THREADS, str(spec.threads)))
    if spec.gpus or spec.gpu_indices:
        found["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # the order in which the node counts its GPUs
        found["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, spec.gpu_indices))
    found.update((variable.name, variable.value) for variable in spec.environment)
    for secret in spec.secrets:
        found[secret.name] = _value_of(secret, login)
    found.update(_contract(spec, run, attempt))
    return found


def _contract(spec: WorkerSpec, run: RunPaths, attempt: AttemptPaths) -> Dict[str, str]:
    given = {contract.INPUT: attempt.input} if spec.input else {}
    return {
        **given,
        contract.RUN_DIR: run.folder,
        contract.RUN_ID: spec.run_id,
        contract.WORKER: spec.name,
        contract.STATUS: attempt.status,
        contract.METRICS: attempt.metrics,
        contract.DRAIN: attempt.drain,
        contract.TOKEN: run.token,
    }


def _value_of(secret: SecretReference, login: Mapping[str, str]) -> str:
    if secret.source == "env":
        value = login.get(secret.reference)
        if value is None:
            raise NoSecret(
                f"the secret {secret.name}: the node's login environment has no {secret.reference}"
            )
        return value
    if secret.source != "file":
        raise NoSecret(f"the secret {secret.name}: {secret.source!r} is neither env nor file")
    path = os.path.expanduser(secret.reference)
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            content = os.read(file, _SECRET_LIMIT_BYTES)
        finally:
            os.close(file)
    except OSError as error:
        raise NoSecret(
            f"the secret {secret.name}: {path} cannot be read ({error.strerror})"
        ) from None
    return os.fsdecode(content.partition(b"\n")[0].rstrip(b"\r"))
