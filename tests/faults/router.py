"""A router between the console and one more host: its own namespace, with address translation on demand."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.faults.remote import inside
from tests.namespaces import LoopbackHost
from tests.processes import descendants, stop_all


@dataclass(frozen=True)
class Router:
    """A running router; `pid` holds its network namespace.

    `address` is its own on the hosts' network; connections to it go on to the host behind it.
    """

    pid: int
    address: str

    def run(self, *argv: str) -> str:
        """Runs a command in the router's network. AssertionError with its words where it fails."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "--net", *argv], capture_output=True, timeout=20
        )
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr.decode()}"
        return done.stdout.decode()

    def set(self, name: str, value: int) -> None:
        """Sets a kernel parameter of its network."""
        path = "/proc/sys/net/" + name.replace(".", "/")
        self.run(sys.executable, "-I", "-S", "-c", f"open('{path}','w').write('{value}')")

    def narrow(self, mtu: int) -> None:
        """The way behind it takes only small packets, and nobody is told: a black hole."""
        self.run("iptables", "-A", "OUTPUT", "-p", "icmp", "-j", "DROP")
        for link in ("inner", "outer"):
            self.run("ip", "link", "set", link, "mtu", str(mtu))

    def forget_idle(self, after_s: int) -> None:
        """Connections without a packet for so long are forgotten, and their packets dropped."""
        self.set("netfilter.nf_conntrack_tcp_timeout_established", after_s)
        self.set("netfilter.nf_conntrack_tcp_loose", 0)
        self.run(
            "iptables", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP"
        )


@contextmanager
def routed(host: LoopbackHost) -> Iterator[Router]:
    """Puts a router before `host`, which is then reached at the router's address, port 22, by address translation."""
    holder = subprocess.Popen(
        ["unshare", "--net", "--fork", "--kill-child", "sleep", "600"], start_new_session=True
    )
    try:
        yield _plugged(_child(holder.pid), host)
    finally:
        stop_all([*descendants(holder.pid), holder.pid])
        holder.wait(10)


def _plugged(pid: int, host: LoopbackHost) -> Router:
    router = Router(pid, f"{host.address.rpartition('.')[0]}.250")
    cable = f"{host.bridge}-router"
    _ip("link", "add", cable, "type", "veth", "peer", "name", "outer", "netns", str(pid))
    _ip("link", "set", cable, "master", host.bridge, "up")
    router.run("ip", "link", "add", "inner", "type", "veth", "peer", "name", "eth1",
               "netns", str(host.init))  # fmt: skip
    for link, address in (("outer", f"{router.address}/24"), ("inner", "10.77.255.1/24")):
        router.run("ip", "address", "add", address, "dev", link)
        router.run("ip", "link", "set", link, "up")
    inside(host, "ip", "address", "add", "10.77.255.2/24", "dev", "eth1")
    inside(host, "ip", "link", "set", "eth1", "up")
    router.run(
        "ip", "route", "add", f"{host.address}/32", "via", "10.77.255.2"
    )  # sshd listens there
    router.set("ipv4.ip_forward", 1)
    subprocess.run(
        ["ip", "neighbour", "flush", "to", router.address], check=False
    )  # of a router before
    nat = ["iptables", "-t", "nat", "-A"]
    router.run(*nat, "PREROUTING", "-i", "outer", "-p", "tcp", "--dport", "22",
               "-j", "DNAT", "--to-destination", f"{host.address}:22")  # fmt: skip
    router.run(*nat, "POSTROUTING", "-o", "inner", "-j", "MASQUERADE")
    return router


def _child(pid: int) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := descendants(pid, deep=False):
            return found[0]
        time.sleep(0.02)
    raise RuntimeError("no namespace for the router")


def _ip(*argv: str) -> None:
    subprocess.run(["ip", *argv], check=True, capture_output=True)
