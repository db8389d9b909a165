"""The network's shapes, ranges and beginnings."""

from __future__ import annotations

import pytest
import torch

from tests.network.boards import Grid
from workers.harness import Misconfigured
from workers.network.architecture import Architecture, parse
from workers.network.network import build

SMALL = Architecture(channels=8, blocks=2, value_hidden=8)


@pytest.mark.parametrize("players", [2, 3, 4])
def test_one_logit_an_action_and_one_value_a_seat(players: int) -> None:
    policy, value = build(Grid(players=players), SMALL)(torch.rand(5, 3, 4, 4))
    assert policy.shape == (5, 17)
    assert value.shape == (5, players)
    assert bool((value.abs() <= 1).all())


def test_actions_from_and_to_cells_have_a_plane_each() -> None:
    network = build(Grid(n_actions=3 * 16 + 1), SMALL)
    policy, _ = network(torch.rand(2, 3, 4, 4))
    assert policy.shape == (2, 49)
    assert network.cells is not None
    assert network.cells.out_channels == 3


def test_actions_that_are_no_cells_have_a_dense_head() -> None:
    policy, _ = build(Grid(n_actions=5), SMALL)(torch.rand(2, 3, 4, 4))
    assert policy.shape == (2, 5)


def test_a_new_network_prefers_nothing() -> None:
    with torch.no_grad():
        policy, value = build(Grid(), SMALL)(torch.rand(64, 3, 4, 4))
    assert float(policy.softmax(1).max()) < 0.2
    assert float(value.abs().max()) < 0.3


def test_a_row_does_not_depend_on_its_batch() -> None:
    network, features = build(Grid(), SMALL), torch.rand(6, 3, 4, 4)
    together = network(features)[0]
    assert torch.allclose(together[2:3], network(features[2:3])[0], atol=1e-6)


def test_memory_formats_agree() -> None:
    network, features = build(Grid(), SMALL), torch.rand(6, 3, 4, 4)
    last = features.contiguous(memory_format=torch.channels_last)
    for one, other in zip(network(features), network(last), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_each_cell_has_the_logit_of_its_place() -> None:
    """Nothing but the cell's own neighbourhood reaches a spatial logit of a network without blocks."""
    network = build(Grid(), Architecture(channels=8, blocks=0, value_hidden=8))
    one, other = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    other[0, 0, 0, 0] = 1.0
    changed = (network(one)[0] != network(other)[0])[0, :16].reshape(4, 4)
    assert bool(changed[:2, :2].any())
    assert not bool(changed[2:, 2:].any())


def test_a_value_head_that_was_pushed_down_can_still_learn() -> None:
    network = build(Grid(), SMALL)
    with torch.no_grad():
        for layer in (network.head, network.hidden):
            assert layer.bias is not None
            layer.bias.fill_(-10.0)
    network(torch.rand(4, 3, 4, 4))[1].pow(2).sum().backward()
    for layer in (network.head, network.hidden):
        assert layer.weight.grad is not None
        assert bool((layer.weight.grad != 0).any())


def test_an_architecture_reads_as_it_is_written() -> None:
    assert parse("32x2") == Architecture(32, 2, 64)
    assert parse(str(SMALL)) == SMALL
    for wrong in ("", "32", "32x", "0x2", "32x2v0", "9999x2"):
        with pytest.raises(Misconfigured):
            parse(wrong)
