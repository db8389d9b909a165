"""What every test room may use: the real sshd. And which tests share what only one may hold at a time."""

import pytest

pytest_plugins = ("tests.sshd",)

FLEETS = frozenset({"namespaces", "herd"})
"""Fixtures that put hosts on this machine's one bridge (tests.loopback)."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FLEETS & set(getattr(item, "fixturenames", ())) or "test_loopback_fleet" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("loopback"))
