"""Gradients through long rollouts: right, and in bounded memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.worlds.differentiable import rollout

SWINGING = torch.tensor([[2.5, 0.1], [3.0, -0.1]], dtype=torch.float64)


def _world(x: torch.Tensor, env_id: str = "HNNPendulum-v0") -> Any:
    return resolve_world(env_id).like(x)


def _actions(steps: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(steps, 2, 1, generator=generator, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("segment", [None, 1, 7, 1000])
def test_segments_change_neither_the_numbers_nor_the_gradients(segment: int | None) -> None:
    results = []
    for run in (lambda w, x, a: w.rollout(x, a), lambda w, x, a: rollout(w, x, a, segment=segment)):
        x0, actions = SWINGING.clone().requires_grad_(), _actions(50)
        points = run(_world(x0), x0, actions)
        results.append([points, *torch.autograd.grad(points.square().mean(), (x0, actions))])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


def test_the_gradient_through_three_hundred_steps_is_the_difference_quotient() -> None:
    x0 = torch.tensor([[0.5, 0.0]], dtype=torch.float64, requires_grad=True)
    world = _world(x0, "HNNSpring-v0")
    (gradient,) = torch.autograd.grad(rollout(world, x0, steps=300)[-1, 0, 0], x0)
    for i in range(2):
        step = 1e-6 * torch.eye(2, dtype=torch.float64)[i]
        ends = [world.rollout((x0 + sign * step).detach(), steps=300)[-1, 0, 0] for sign in (1, -1)]
        assert float(gradient[0, i]) == pytest.approx(float(ends[0] - ends[1]) / 2e-6, rel=1e-5)


def test_the_worlds_own_parameters_get_gradients() -> None:
    world = resolve_world("HNNPendulum-v0").like(SWINGING)
    parameters = {name: value.clone().requires_grad_() for name, value in world.parameters.items()}
    from dataclasses import replace

    world = replace(world, dynamics=world.architecture.build(parameters), parameters=parameters)
    rollout(world, SWINGING, _actions(20)).square().mean().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in parameters.values())


def test_memory_grows_with_the_root_of_the_number_of_steps() -> None:
    def kept(run: Any) -> int:
        sizes: list[int] = []

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            run()
        return sum(sizes)

    world = _world(SWINGING)
    plain = kept(lambda: world.rollout(SWINGING, _actions(400)))
    bounded = kept(lambda: rollout(world, SWINGING, _actions(400)))
    assert bounded < plain / 10


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({}, "needs actions or a number of steps"),
        ({"steps": 3, "segment": 0}, "segment must be at least 1"),
        ({"steps": 3, "actions": torch.zeros(2, 2, 1, dtype=torch.float64)}, "actions for 2 steps, and steps=3"),
        ({"steps": -1}, "steps=-1"),
    ],
)
def test_invalid_rollouts_are_refused(kwargs: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        rollout(_world(SWINGING), SWINGING, **kwargs)
