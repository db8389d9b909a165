"""Hosts, names, durations and selectors as people type them, and as attackers would."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.errors import SettingsError, UsageError
from console.settings.hosts import parse_host, parse_hosts
from console.settings.load import load
from console.settings.selectors import selects
from console.settings.values import duration_s

INJECTIONS = [
    "-oProxyCommand=id",
    "--",
    "-",
    "$(id)",
    "`id`",
    "a;id",
    "a|id",
    "a&id",
    "a b",
    "a\nb",
    "a\n",
    "a\tb",
    "a\x00b",
    "a'b",
    'a"b',
    "a/b",
    "../a",
    "a\\b",
    "a%h",
    "a{b}",
    "*",
    "a!",
    "ä",
    "a\u202eb",
    "\x1b[31m",
    "",
    ".a",
    "_a",
    "a" * 300,
    "fe80::1%eth0",
    "[::1",
    "::1]",
]


@pytest.mark.parametrize("name", INJECTIONS, ids=ascii)
def test_no_host_user_or_name_can_be_more_than_a_name(name: str, tmp_path: Path) -> None:
    for text in (name, f"{name}@host" if name else "@host", f"u@{name}", f"{name}:22"):
        if text in ("_a@host",):
            continue
        with pytest.raises(UsageError):
            parse_host(text)
    for key in ("name", "address", "jump", "tags"):
        entry: dict[str, object] = {"name": "a", key: [name] if key == "tags" else name}
        with pytest.raises(SettingsError):
            load(environ={"HOME": str(tmp_path)}, flags={"nodes": [entry]})


@pytest.mark.parametrize("path", ["-rf", "-", "a\nb", "a\0b"])
def test_no_path_of_a_node_looks_like_an_option(path: str, tmp_path: Path) -> None:
    for entry in ({"root": path}, {"disks": [path]}, {"identity": path}):
        with pytest.raises(SettingsError):
            load(environ={"HOME": str(tmp_path)}, flags={"nodes": [{"name": "a", **entry}]})


@pytest.mark.parametrize(
    ("text", "host", "user", "port"),
    [
        ("a", "a", None, None),
        ("user@c:2222", "c", "user", 2222),
        ("[::1]:22", "::1", None, 22),
        ("u@[2001:db8::1]", "2001:db8::1", "u", None),
        ("::1", "::1", None, None),
        ("u@::1", "::1", "u", None),
        ("10.0.0.1:1", "10.0.0.1", None, 1),
        ("_apt@a.b-c_d", "a.b-c_d", "_apt", None),
    ],
)
def test_hosts(text: str, host: str, user: str | None, port: int | None) -> None:
    spec = parse_host(text)
    assert (spec.name, spec.address, spec.user, spec.port) == (host, host, user, port)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "22x", "", "٢٢", "000022"])
def test_ports_are_numbers_of_ports(port: str) -> None:
    with pytest.raises(UsageError, match="port"):
        parse_host(f"a:{port}")


def test_two_ports_of_one_host_are_two_nodes() -> None:
    names = [spec.name for spec in parse_hosts(["c:1", "c:2", "u@c:2", "c:1", "local"])]
    assert len(set(names)) == 4
    assert names[:2] == ["c", "c-2"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60m", 3600), ("5s", 5), ("200ms", 0.2), ("1.5h", 5400), ("2d", 172_800), ("1 min", 60), (3, 3), (0.5, 0.5), ("7", 7)],
)  # fmt: skip
def test_durations(text: object, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "m", "-5s", "5 y", "1h30", True, None, "٥s", 1e300, [5]])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration_s(text)


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        ("*", {"gpu-1", "gpu-2", "cpu-1"}),
        ("gpu-1", {"gpu-1"}),
        ("gpu-*", {"gpu-1", "gpu-2"}),
        ("tag:play", {"gpu-1", "cpu-1"}),
        ("tag:pl*", {"gpu-1", "cpu-1"}),
        ("gpu-2, tag:play", {"gpu-1", "gpu-2", "cpu-1"}),
        ("tag:play !cpu-1", {"gpu-1"}),
        ("!tag:play", {"gpu-2"}),
        ("GPU-1", set()),
    ],
)
def test_selectors(selector: str, taken: set[str]) -> None:
    nodes = {"gpu-1": ("play",), "gpu-2": (), "cpu-1": ("play", "slow")}
    assert {name for name, tags in nodes.items() if selects(selector, name, tags)} == taken
