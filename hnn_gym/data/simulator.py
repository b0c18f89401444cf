"""What an environment's simulator says about itself: the time between two observations, and its state.

There is no convention for either. Most environments have an attribute ``dt`` or ``tau`` (CartPole-v1), and a ``state``;
those of MuJoCo have a model and its data.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.errors import InputError

SECOND, STEP = "s", "step"
"""Units of time: one step where the environment does not say how long a step is."""


def time_step(env: gymnasium.Env[Any, Any], dt: float | None = None) -> tuple[float, str]:
    """Return the time between two observations, and its unit.

    It is ``dt`` where given, else the attribute ``dt`` or ``tau`` of the unwrapped environment, else the time step of
    its MuJoCo model times ``frame_skip``, all in s; else 1 step. ``metadata["render_fps"]`` says how fast frames are
    shown, which is often another number, and is not used.

    Raises:
        InputError: the time found is not a positive number.
    """
    if dt is None:
        dt = _own_time_step(env.unwrapped)
    if dt is None:
        return 1.0, STEP
    if not (_is_number(dt) and 0 < dt < math.inf):
        raise InputError(f"The time step dt has to be a positive number of seconds, and it is {dt!r}: give dt=...")
    return float(dt), SECOND


def simulator_state(env: gymnasium.Env[Any, Any]) -> np.ndarray | None:
    """Return a new float64 array of the simulator's state, or None where the environment does not show it.

    It is the attribute ``state`` of the unwrapped environment, else MuJoCo's ``data.qpos`` and ``data.qvel``, one after
    the other.
    """
    inner: Any = env.unwrapped
    state = getattr(inner, "state", None)
    if state is None and hasattr(getattr(inner, "data", None), "qpos"):
        state = np.concatenate([inner.data.qpos, inner.data.qvel])
    return None if state is None else np.array(state, np.float64)


def _own_time_step(inner: Any) -> Any:
    for name in ("dt", "tau"):
        value = getattr(inner, name, None)
        if value is not None and not callable(value):
            return value
    options = getattr(getattr(inner, "model", None), "opt", None)
    step = getattr(options, "timestep", None)
    return None if step is None else step * getattr(inner, "frame_skip", 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
