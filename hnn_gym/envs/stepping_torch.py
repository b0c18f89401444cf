"""The step of many states on torch tensors, on the CPU or a GPU; nothing leaves the device.

On a GPU a step is a hundred small kernels, and launching them takes almost all of its time, so that they are captured
once as a CUDA graph and replayed. A captured step must not branch on values. This holds for all that can be traced
without loops: the physics, and reward and termination unless they have to be called outside. Any other step runs kernel
by kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch

from hnn_gym.envs.checks import check_rewards, numbers
from hnn_gym.envs.compiling import at_start, program_of, step_outputs
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.stepping import Arrived, Outcome, outcome_of, with_starts
from hnn_gym.errors import InputError

_WARM_UP = 3


def on_device(array: np.ndarray, place: torch.device) -> torch.Tensor:
    """The array as a tensor on a device."""
    return torch.from_numpy(array).to(place)


def as_tensor(actions: Any, *, like: torch.Tensor) -> torch.Tensor:
    """A batch of actions as a tensor of the type and place of ``like``.

    Raises:
        InputError: the actions are not real numbers, or are a tensor that carries a gradient.
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
    """As :class:`hnn_gym.envs.stepping_numpy.Steps`, for tensors, but without values kept from step to step."""

    def __init__(self, simulator: Simulator, like: torch.Tensor) -> None:
        """Prepare to step states of the shape, dtype and device of ``like`` ``(rows, 2n)``."""
        self._simulator = simulator.like(like)
        self._observed = torch.from_numpy(np.zeros(0, simulator.task.observation_space.dtype)).dtype
        self._traced = program_of(simulator) if like.is_cuda else None
        self._capture = self._traced is not None and not self._traced.program.loops
        self._captured: _Captured | None = None

    def begin(self, x: torch.Tensor, which: torch.Tensor, t: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Return observation and info of the rows ``which`` ``(k,)`` of x, t seconds ``(rows,)`` into episodes."""
        info: dict[str, torch.Tensor] = at_start(self._simulator, x[which], 0.0 if t is None else t[which])
        return info | {"observation": info["observation"].to(self._observed)}

    def kept(self) -> None:
        """Do nothing: no values are kept from step to step."""

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
        inputs = (x, actions) if t is None else (x, actions, t)
        if self._traced is not None and not self._traced.readings.unchanged():
            self._traced, self._captured = self._traced.later(self._simulator), None
            self._capture = self._capture and self._traced is not None
        if self._capture and self._captured is None:
            try:
                self._captured = _Captured(self._part, inputs)
            except RuntimeError as error:
                self._capture = False
                gymnasium.logger.warn(f"No CUDA graph of this step: it runs kernel by kernel, more slowly. {error}")
        outputs = self._part(*inputs) if self._captured is None else self._captured(*inputs)
        outcome = outcome_of(self._simulator, outputs, 0.0 if t is None else t)
        check_rewards(outcome.reward, len(x))
        return outcome

    def _part(self, *inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Run the part of a step that can be captured; return outputs by name. On a CPU this is the whole step."""
        outside = () if self._traced is None else self._traced.outside
        outputs = dict(step_outputs(self._simulator, outside, *inputs))
        return outputs | {"observation": outputs["observation"].to(self._observed)}


class _Captured:
    """A CUDA graph of a function of tensors, with the tensors it reads and writes."""

    def __init__(self, function: Callable[..., dict[str, torch.Tensor]], inputs: tuple[torch.Tensor, ...]) -> None:
        """Capture after a few calls on a side stream, as CUDA graphs require."""
        self._inputs = [tensor.clone() for tensor in inputs]
        with torch.cuda.device(inputs[0].device):  # a graph of cuda:1 captured on a stream of cuda:0 would be empty
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(_WARM_UP):
                    function(*self._inputs)
            torch.cuda.current_stream().wait_stream(side)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=side):
                self._outputs = function(*self._inputs)

    def __call__(self, *inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Replay it."""
        for tensor, given in zip(self._inputs, inputs, strict=True):
            tensor.copy_(given)
        self._graph.replay()
        return {name: tensor.clone() for name, tensor in self._outputs.items()}
