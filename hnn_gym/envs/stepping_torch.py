"""The step of many states on torch tensors, on the CPU or a GPU; nothing leaves the device.

On a GPU a step is a hundred small kernels, and starting them is all it costs: they are captured once as a CUDA graph
and replayed. That needs a step that asks for no values, which is what can be traced without loops; another runs kernel
by kernel, as does one that cannot be captured.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch

from hnn_gym.envs.checks import check_rewards, numbers
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.stepping import Arrived, Outcome, begun, program_of, reference_step, with_starts
from hnn_gym.errors import InputError

_WARM_UP = 3


def on_device(array: np.ndarray, place: torch.device) -> torch.Tensor:
    """The array as a tensor on a device."""
    return torch.from_numpy(array).to(place)


def as_tensor(actions: Any, *, like: torch.Tensor) -> torch.Tensor:
    """A batch of actions as a tensor of the type and place of ``like``.

    Raises:
        InputError: they are no real numbers, or a tensor that carries a gradient.
    """
    if not isinstance(actions, torch.Tensor):
        return torch.asarray(numbers(actions, "batch of actions"), dtype=like.dtype, device=like.device)
    if actions.is_complex():
        raise InputError(f"The batch of actions is not an array of numbers but of dtype {actions.dtype}.")
    if actions.requires_grad:
        raise InputError(
            "The batch of actions carries a gradient, which these environments do not: pass actions.detach(), or use "
            "hnn_gym.worlds.differentiable.rollout."
        )
    return actions.to(dtype=like.dtype, device=like.device)


class TorchSteps:
    """As :class:`hnn_gym.envs.stepping_numpy.Steps`, for tensors; the states themselves are all it goes by."""

    def __init__(self, simulator: Simulator, like: torch.Tensor) -> None:
        """Prepare to step states of the shape, type and place of ``like`` ``(rows, 2n)``."""
        self._simulator = simulator.like(like)
        self._observed = torch.from_numpy(np.zeros(0, simulator.task.observation_space.dtype)).dtype
        self._captured: _Captured | None = None
        program = program_of(simulator) if like.is_cuda else None
        self._capture = program is not None and not program.loops

    def begin(self, x: torch.Tensor, which: torch.Tensor, t: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Return what is told of the rows ``which`` ``(k,)`` of x, t seconds ``(rows,)`` into their episodes."""
        told: dict[str, torch.Tensor] = begun(self._simulator, x[which], 0.0 if t is None else t[which])
        return told | {"observation": told["observation"].to(self._observed)}

    def kept(self) -> None:
        """Nothing is remembered from step to step."""

    def __call__(
        self,
        x: torch.Tensor,
        actions: torch.Tensor,
        t: torch.Tensor | None = None,
        *,
        arrived: Arrived | None = None,
    ) -> Outcome:
        """As :meth:`hnn_gym.envs.stepping_numpy.Steps.__call__`; the tensors of the outcome are fresh."""
        return with_starts(self._stepped(x, actions, t), arrived, self.begin)

    @torch.no_grad()
    def _stepped(self, x: torch.Tensor, actions: torch.Tensor, t: torch.Tensor | None) -> Outcome:
        if not self._capture:
            return self._told(x, actions, 0.0 if t is None else t)
        if self._captured is None:
            try:
                self._captured = _Captured(self, x, actions)
            except RuntimeError as error:
                self._capture = False
                gymnasium.logger.warn(f"No CUDA graph of this step: it runs kernel by kernel, more slowly. {error}")
                return self._told(x, actions)
        return self._captured(x, actions)

    def _told(self, x: torch.Tensor, actions: torch.Tensor, t: torch.Tensor | float = 0.0) -> Outcome:
        told = reference_step(self._simulator, x, actions, t)
        check_rewards(told.reward, len(x))
        return told._replace(observation=told.observation.to(self._observed))


class _Captured:
    """A CUDA graph of one step with the tensors it reads and writes."""

    def __init__(self, steps: TorchSteps, x: torch.Tensor, actions: torch.Tensor) -> None:
        """Capture, after a few steps on a side stream, as CUDA graphs ask for."""
        self._x, self._actions = x.clone(), actions.clone()
        with torch.cuda.device(x.device):  # a graph of cuda:1 captured on a stream of cuda:0 would be empty
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(_WARM_UP):
                    steps._told(self._x, self._actions)
            torch.cuda.current_stream().wait_stream(side)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=side):
                self._outcome = steps._told(self._x, self._actions)

    def __call__(self, x: torch.Tensor, actions: torch.Tensor) -> Outcome:
        """Replay the step."""
        self._x.copy_(x)
        self._actions.copy_(actions)
        self._graph.replay()
        *arrays, info = self._outcome
        copies = [*(array.clone() for array in arrays), {k: v.clone() for k, v in info.items()}]
        return Outcome._make(copies)
