"""Rollouts to take gradients through: dL/d(x0, actions, parameters) over hundreds of steps in bounded memory.

A plain rollout of K steps keeps what every step computed until the gradient has been taken. Cut into segments of S
steps it keeps only the K / S points between them and computes one segment at a time again: memory O(K / S + S), least
for S = sqrt(K), for one more forward pass. Source: Chen et al., *Training Deep Nets with Sublinear Memory Cost*, 2016.
"""

from __future__ import annotations

import math

import torch
from torch.utils.checkpoint import checkpoint

from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.worlds.world_model import WorldModel


@checked_arguments
def rollout(
    world: WorldModel,
    x0: torch.Tensor,
    actions: torch.Tensor | None = None,
    *,
    steps: int | None = None,
    segment: int | None = None,
) -> torch.Tensor:
    """Step a world again and again, for gradients with respect to x0, the actions and the world's own tensors.

    Example:
        >>> import torch, hnn_gym
        >>> from hnn_gym.worlds.differentiable import rollout
        >>> world = hnn_gym.envs.resolve_world("HNNPendulum-v0")
        >>> x0 = torch.tensor([[3.1, 0.0]], dtype=torch.float64)
        >>> actions = torch.zeros(200, 1, 1, dtype=torch.float64, requires_grad=True)
        >>> rollout(world.like(x0), x0, actions)[-1].square().sum().backward()

    Args:
        world: a world on torch, see :meth:`WorldModel.like`.
        x0: start points ``(..., 2n)``.
        actions: actions ``(steps, ..., m)``, clipped to their limits as in the environment, or None for none.
        steps: number of steps; needed without actions.
        segment: steps that are kept in memory at a time; None: sqrt(steps), rounded up.

    Returns:
        Phase points ``(steps + 1, ..., 2n)``, x0 first: the numbers that ``WorldModel.rollout`` gives.

    Raises:
        InputError: neither actions nor a number of steps, two that differ, or a segment below 1.
    """
    if steps is None and actions is None:
        raise InputError("rollout needs actions or a number of steps.")
    count = int(actions.shape[0]) if actions is not None else int(steps or 0)
    if count < 0 or (steps is not None and steps != count):
        raise InputError(f"There are actions for {count} steps, and steps={steps}: give one of the two.")
    length = math.isqrt(max(count - 1, 0)) + 1 if segment is None else segment
    if length < 1:
        raise InputError(f"segment must be at least 1 step, got {segment}.")

    def run(x: torch.Tensor, begin: int, end: int) -> torch.Tensor:
        part: torch.Tensor = world.rollout(x, None if actions is None else actions[begin:end], steps=end - begin)
        return part[1:]

    parts, x = [x0[None]], x0
    for begin in range(0, count, length):
        part = checkpoint(run, x, begin, min(begin + length, count), use_reentrant=False)
        parts.append(part)
        x = part[-1]
    return torch.cat(parts)
