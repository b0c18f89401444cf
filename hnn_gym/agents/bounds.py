"""The action space that planners and gradients through the world need: a Box with finite bounds."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.core import Simulator
from hnn_gym.errors import InputError


def bounded_actions(simulator: Simulator) -> Box:
    """Return the action space of a simulator.

    Raises:
        InputError: the action space is not a Box, or a bound is infinite.
    """
    space = simulator.channel.space(simulator.task)
    if not isinstance(space, Box):
        raise InputError(
            f"A planner needs actions that are real numbers, and the action space here is {space}: train an agent that "
            "takes whole numbers, such as stable-baselines3's PPO."
        )
    if not np.isfinite([space.low, space.high]).all():
        raise InputError(f"A planner needs bounded actions, and the action space here is {space}.")
    return space
