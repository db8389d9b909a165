"""What `ssh` would do differently from us for a node: `ssh -G` compared with our own reading."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from console.channels.ssh.command import query_command
from console.channels.ssh.endpoint import Endpoint, Route
from console.fleet.model import NodeSpec
from console.settings.model import SshSettings
from console.text import one_line

QUERY_TIMEOUT_S = 10.0

Answers = Mapping[str, list[str]]  # option in lower case: its values


@dataclass(frozen=True)
class Difference:
    """One option, and in words what it means that we differ."""

    option: str
    text: str


async def differences(
    spec: NodeSpec, route: Route, settings: SshSettings
) -> tuple[Difference, ...]:
    """Every difference that matters. A failing `ssh -G` is itself one."""
    try:
        process = await asyncio.create_subprocess_exec(
            *query_command(spec, settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as exc:
        return (
            Difference("ssh", f"OpenSSH's ssh cannot be run here ({exc.strerror}); not compared"),
        )
    try:
        out, err = await asyncio.wait_for(process.communicate(), QUERY_TIMEOUT_S)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return (Difference("ssh", "`ssh -G` did not answer; not compared"),)
    if process.returncode:
        words = one_line(err.decode("utf-8", "replace").strip())
        return (Difference("ssh", f"OpenSSH refuses this configuration: {words}"),)
    return tuple(compare(route, parse(out.decode("utf-8", "replace"))))


def parse(text: str) -> Answers:
    """The output of `ssh -G`."""
    answers: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        option, _, value = line.partition(" ")
        answers[option.lower()].append(one_line(value))
    return answers


def compare(route: Route, openssh: Answers) -> Iterator[Difference]:
    """What differs, most important first."""
    yield from _place(route.end, openssh)
    yield from _way(route, openssh)
    yield from _keys(route.end, openssh)
    yield from _trust(openssh)
    for option, test, text in _NOT_FOLLOWED:
        value = _value(openssh, option)
        if value and test(value):
            yield Difference(option, text.format(value=value))


def _place(end: Endpoint, openssh: Answers) -> Iterator[Difference]:
    ours = {"hostname": end.host, "user": end.user, "port": str(end.port)}
    for option, value in ours.items():
        theirs = _value(openssh, option)
        if theirs and theirs.lower() != value.lower():
            yield Difference(option, f"ssh would use {option} {theirs}, we use {value}")
    alias = _value(openssh, "hostkeyalias")
    if alias and alias != end.host_key_alias:
        yield Difference("hostkeyalias", f"ssh looks the host key up as {alias}")


def _way(route: Route, openssh: Answers) -> Iterator[Difference]:
    jump = _set(_value(openssh, "proxyjump"))
    command = _set(_value(openssh, "proxycommand"))
    ours = " → ".join(hop.words for hop in route.bastions)
    if jump and not route.bastions:
        yield Difference("proxyjump", f"ssh goes through {jump}, we go directly")
    elif route.bastions and not jump:
        yield Difference("proxyjump", f"we go through {ours}, ssh would not")
    if command and not jump and not route.end.proxy_command:
        yield Difference("proxycommand", f"ssh runs ProxyCommand {command}; we do not")
    elif route.end.proxy_command and not route.bastions:
        yield Difference("proxycommand", "ProxyCommand is run without a shell")


def _keys(end: Endpoint, openssh: Answers) -> Iterator[Difference]:
    theirs = [Path(name).expanduser() for name in openssh.get("identityfile", [])]
    present = [path for path in theirs if path.exists()]
    missing = [str(path) for path in present if path not in end.identities.files]
    if missing:
        yield Difference("identityfile", f"ssh also offers {', '.join(missing)}")
    more = [str(path) for path in end.identities.files if path not in theirs]
    if more:
        yield Difference("identityfile", f"we also offer {', '.join(more)}")
    if end.identities.explicit and _value(openssh, "identitiesonly") != "yes":
        yield Difference("identitiesonly", "we offer only the node's own key, ssh the agent's too")
    sock = _set(_value(openssh, "identityagent"))
    if sock and sock != "SSH_AUTH_SOCK" and end.identities.agent is None:
        yield Difference("identityagent", f"ssh asks the agent at {sock}, we ask none")


def _trust(openssh: Answers) -> Iterator[Difference]:
    strict = _value(openssh, "stricthostkeychecking")
    if strict in ("no", "off", "false"):
        text = "ssh would accept any host key (StrictHostKeyChecking no); here each is trusted by a person"
        yield Difference("stricthostkeychecking", text)
    elif strict == "accept-new":
        text = "ssh would accept new host keys by itself; here ssh.accept_new says for which nodes"
        yield Difference("stricthostkeychecking", text)
    files = _value(openssh, "userknownhostsfile")
    if files.split()[:1] in (["none"], ["/dev/null"]):
        text = f"UserKnownHostsFile {files}: ssh remembers no host key; we keep those you trust"
        yield Difference("userknownhostsfile", text)


def _value(answers: Answers, option: str) -> str:
    return next(iter(answers.get(option, [])), "")


def _set(value: str) -> str:
    return "" if value.lower() == "none" else value


def _on(value: str) -> bool:
    return value.lower() not in ("no", "none", "false", "off")


_NOT_FOLLOWED: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("knownhostscommand", _on, "KnownHostsCommand is not run; host keys come from files only"),
    ("verifyhostkeydns", _on, "VerifyHostKeyDNS {value}: keys in DNS are not looked at"),
    ("checkhostip", _on, "CheckHostIP yes: only the name is checked here"),
    ("forwardagent", _on, "ForwardAgent {value}: your agent is never forwarded from here"),
    ("forwardx11", _on, "ForwardX11 {value}: X11 is never forwarded from here"),
    (
        "gssapidelegatecredentials",
        _on,
        "GSSAPIDelegateCredentials: credentials are never delegated",
    ),
    ("hostbasedauthentication", _on, "HostbasedAuthentication is not used"),
    ("pkcs11provider", _on, "PKCS11Provider {value}: use an ssh-agent that holds the token's key"),
    ("securitykeyprovider", lambda v: v != "internal", "SecurityKeyProvider {value} is not used"),
    ("controlmaster", _on, "ControlMaster {value}: we keep one connection of our own per node"),
    ("controlpath", _on, "ControlPath {value}: a running ssh's connection is not shared"),
    ("localforward", _on, "LocalForward {value} is not opened"),
    ("remoteforward", _on, "RemoteForward {value} is not opened"),
    ("dynamicforward", _on, "DynamicForward {value} is not opened"),
    ("tunnel", _on, "Tunnel {value} is not opened"),
    ("remotecommand", _on, "RemoteCommand {value} is not run: the agent is started instead"),
    ("bindinterface", _on, "BindInterface {value} is not followed; BindAddress is"),
    (
        "connectionattempts",
        lambda v: v != "1",
        "ConnectionAttempts {value}: we try again by our own rule",
    ),
    ("addkeystoagent", _on, "AddKeysToAgent {value}: opened keys stay in this program"),
)
