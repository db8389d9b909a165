"""What every test room may use: the real sshd. And which tests go to one worker of a parallel run."""

from __future__ import annotations

import pytest

from tests.loopback import LoopbackFleet

pytest_plugins = ("tests.sshd", "tests.object_store")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules with a loopback fleet go one after another, but those that say otherwise: what one does to the
    network, all would see."""
    for item in items:
        fleet = LoopbackFleet in vars(getattr(item, "module", object)).values()
        if fleet and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("loopback"))
