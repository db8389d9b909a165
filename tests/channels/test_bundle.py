"""What is pushed: the same bytes from the same sources, small, and nothing but the node side."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zipfile

import pytest

from console.channels import bundle
from tests.agents import ROOT


def test_the_same_sources_give_the_same_bytes_elsewhere() -> None:
    code = "from console.channels.bundle import build; b = build(); print(b.digest, len(b.boot))"
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    built = bundle.pack(bundle.sources())
    assert told == {f"{built.digest} {len(built.boot)}\n"}


def test_it_is_named_by_its_hash_and_small() -> None:
    built = bundle.build()
    assert built.digest == hashlib.sha256(built.data).hexdigest()
    assert len(built.data) <= bundle.LIMIT_BYTES == 512 * 1024
    assert len(built.boot) < 16 * 1024


def test_a_bundle_above_the_limit_is_refused() -> None:
    import random

    noise = random.Random(1).randbytes(bundle.LIMIT_BYTES + 1)
    with pytest.raises(ValueError, match="at most"):
        bundle.pack({**bundle.sources(), "noise.py": noise})


def test_it_holds_the_node_side_and_pynvml_and_nothing_else() -> None:
    names = zipfile.ZipFile(io.BytesIO(bundle.build().data)).namelist()
    assert names == sorted(names)
    rooms = {name.split("/")[1] for name in names if name.count("/") > 1}
    assert rooms == {"protocol", "machine", "ledger", "agent", "supervisor"}
    outside = [name for name in names if name.count("/") < 2]
    assert outside == ["pynvml.py", "workers/__init__.py", "workers/contract.py"]
    assert all(name.endswith(".py") for name in names)
