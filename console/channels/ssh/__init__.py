"""Nodes over SSH: `SshNetwork` is what they share, `SshDialer` opens channels to one of them."""

from console.channels.ssh.dialer import SshDialer
from console.channels.ssh.network import SshNetwork

__all__ = ["SshDialer", "SshNetwork"]
