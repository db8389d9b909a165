"""Steps, their schedule, and the weights that play."""

from __future__ import annotations

import math

import pytest
import torch

from workers.harness import Misconfigured
from workers.training.optimizer import (
    Average,
    adamw,
    advance,
    from_tensors,
    rate_at,
    to_tensors,
)
from workers.training.settings import Settings, check_same

SETTINGS = Settings(
    "g", "g/1", "b", 2, "4x1v4", warmup_steps=10, schedule_steps=110, learning_rate=1.0
)


def small() -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(3, 2)


def test_the_rate_warms_up_and_falls_to_a_tenth() -> None:
    rates = [rate_at(step, SETTINGS) for step in range(200)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[60] == pytest.approx(0.55)
    assert rates[110:] == pytest.approx([0.1] * 90)
    assert rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_changes_nothing(bad: float) -> None:
    network = small()
    optimizer = adamw(network, SETTINGS)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, bad)
    assert not math.isfinite(advance(optimizer, network, 0.1, 1.0))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not optimizer.state
    assert all(parameter.grad is None for parameter in network.parameters())


def test_gradients_are_clipped() -> None:
    network = small()
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 100.0)
    seen: list[float] = []

    class Watching(torch.optim.SGD):
        def step(self, closure: object = None) -> None:  # type: ignore[override]
            seen.append(math.sqrt(sum(float((p.grad**2).sum()) for p in network.parameters())))

    norm = advance(Watching(network.parameters(), lr=0.1), network, 0.1, 2.0)
    assert norm == pytest.approx(100 * math.sqrt(8))
    assert seen == pytest.approx([2.0], rel=1e-3)


def test_the_average_follows_and_none_is_the_weights_themselves() -> None:
    network = small()
    slow, none = Average(network, 0.9), Average(network, 0.0)
    with torch.no_grad():
        network.weight.add_(1.0)
    slow.follow(network, 1000)
    none.follow(network, 1000)
    assert torch.equal(none.tensors["weight"], network.weight)
    assert torch.allclose(network.weight - slow.tensors["weight"], torch.full((2, 3), 0.9))


def test_the_optimizer_goes_on_where_it_was() -> None:
    one, other = small(), small()
    first, second = adamw(one, SETTINGS), adamw(other, SETTINGS)
    features = torch.rand(5, 3)
    for _ in range(3):
        one(features).sum().backward()
        advance(first, one, 0.01, 1.0)
    from_tensors({name: v.clone() for name, v in to_tensors(one, first).items()}, other, second)
    for network, optimizer in ((one, first), (other, second)):
        network(features).sum().backward()
        advance(optimizer, network, 0.01, 1.0)
    assert torch.equal(one.weight, other.weight)
    with pytest.raises(Misconfigured):
        from_tensors({}, other, second)


def test_other_settings_are_named_and_refused() -> None:
    before = SETTINGS._asdict()
    assert check_same(before, SETTINGS, False) == []
    changed = SETTINGS._replace(learning_rate=0.5)
    with pytest.raises(Misconfigured, match=r"learning_rate was 1\.0, is 0\.5"):
        check_same(before, changed, False)
    assert check_same(before, changed, True) == ["learning_rate was 1.0, is 0.5"]
    with pytest.raises(Misconfigured, match="architecture was 4x1v4, is 8x1v4"):
        check_same(before, SETTINGS._replace(architecture="8x1v4"), True)
    assert changed.digest() != SETTINGS.digest()
