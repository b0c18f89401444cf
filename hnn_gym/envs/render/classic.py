"""Cart-pole, acrobot and mountain car, drawn by Gymnasium's own code, so that a learned one looks like the real one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control import AcrobotEnv, CartPoleEnv, Continuous_MountainCarEnv

from hnn_gym.systems.task import Task


class ClassicRenderer(ABC):
    """Puts the state of a learned environment into an environment of Gymnasium, which draws it."""

    def __init__(self, render_mode: str, task: Task, *, annotated: bool = True) -> None:
        """Draw for ``render_mode`` "human" or "rgb_array"; all tasks look alike, ``annotated`` or not."""
        self._drawing: Any = self.environment(render_mode)

    @abstractmethod
    def environment(self, render_mode: str) -> gymnasium.Env[Any, Any]:
        """The environment that draws."""

    @abstractmethod
    def state(self, q: np.ndarray, v: np.ndarray) -> Any:
        """The state of that environment at positions and velocities ``(n,)``."""

    def draw(self, q: np.ndarray, v: np.ndarray, force: np.ndarray | None, *, t: float = 0.0) -> np.ndarray | None:
        """Draw positions q ``(n,)``; forces are not shown."""
        self._drawing.state = self.state(q, v)
        frame: Any = self._drawing.render()
        return frame

    def clear(self) -> None:  # noqa: B027
        """Do nothing: no state is kept between pictures."""

    def close(self) -> None:
        """Close the window, if there is one."""
        self._drawing.close()


class CartPoleRenderer(ClassicRenderer):
    """The picture of CartPole-v1."""

    def environment(self, render_mode: str) -> gymnasium.Env[Any, Any]:
        """CartPole-v1."""
        return CartPoleEnv(render_mode=render_mode)

    def state(self, q: np.ndarray, v: np.ndarray) -> np.ndarray:
        """(x, dx/dt, angle, its velocity)."""
        return np.array([q[0], v[0], q[1], v[1]])


class AcrobotRenderer(ClassicRenderer):
    """The picture of Acrobot-v1."""

    def environment(self, render_mode: str) -> gymnasium.Env[Any, Any]:
        """Acrobot-v1."""
        return AcrobotEnv(render_mode=render_mode)

    def state(self, q: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Both angles, then both velocities."""
        return np.concatenate([q, v])


class MountainCarRenderer(ClassicRenderer):
    """The picture of both mountain cars, which have their flags at different places."""

    def __init__(self, render_mode: str, task: Task, *, annotated: bool = True) -> None:
        """Draw for ``render_mode`` "human" or "rgb_array", with the flag at the goal of ``task``."""
        super().__init__(render_mode, task)
        self._drawing.goal_position = getattr(task, "goal_position", self._drawing.goal_position)

    def environment(self, render_mode: str) -> gymnasium.Env[Any, Any]:
        """MountainCarContinuous-v0."""
        return Continuous_MountainCarEnv(render_mode=render_mode)

    def state(self, q: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Position and velocity."""
        return np.concatenate([q, v])
