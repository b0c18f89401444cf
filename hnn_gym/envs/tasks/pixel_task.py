"""The task of an environment known only from frames: recorded starts, a learned reward, a latent state to observe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.data import Provenance
from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array
from hnn_gym.systems.task import Task
from hnn_gym.worlds.pixel_world import PixelWorld


class PixelTask(Task):
    """A task made from recorded frames, actions and rewards alone.

    | observation | meaning | unit | range |
    |---|---|---|---|
    | 0 | cos q, q from the latent's own origin | 1 | [-1, 1] |
    | 1 | sin q | 1 | [-1, 1] |
    | 2 | velocity v = dq/dt | rad/s | up to the declared speed limit |

    If the latent is a line, the observation is (q, v); for bodies in the plane it is their positions, then their
    velocities. The actions are the recorded environment's. Reward: learned from
    the recorded ones, as a function of the state before the step and the force. Starts: drawn from the states in which
    recorded episodes began. Terminated where the learned termination says so, which is never if no recorded episode
    terminated. Truncated after as many steps as the longest recorded episode has.
    """

    renderer = "hnn_gym.envs.render.frames:FrameRenderer"

    def __init__(self, seen: PixelWorld) -> None:
        """Take the task of a world learned from frames.

        Raises:
            InputError: the world does not name the spaces of its recording.
        """
        try:
            provenance = Provenance.from_json(seen.about["provenance"])  # type: ignore[arg-type]
            steps = int(seen.about["longest_episode"])  # type: ignore[call-overload]
        except (KeyError, TypeError, ValueError):
            raise InputError("The card of this world does not describe its recording: learn it again.") from None
        self.seen = seen
        self.codec = seen.codec
        self.action_space: Any = provenance.action_space
        self.observation_space = latent_space(seen)
        self.max_episode_steps = steps

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw one of the recorded starts as (q, v), each ``(n,)``."""
        q, v = np.split(self.seen.starts[rng.integers(len(self.seen.starts))], 2)
        return q, v

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """The learned reward ``(...)``."""
        return self.seen.reward(q, v, u)

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the learned termination ends the episode; bool ``(...)``."""
        return self.seen.termination(self.seen.world.coordinates.observation(q, v))


def latent_space(seen: PixelWorld) -> Box:
    """The space of latent observations."""
    coordinates = seen.world.coordinates
    high = np.full(coordinates.observation_size, np.inf, np.float32)
    for degree in coordinates.degrees:
        for entry in (degree.cos, degree.sin):
            if entry is not None:
                high[entry] = 1.0
        if degree.speed_limit is not None and degree.velocity is not None:
            high[degree.velocity] = degree.speed_limit * abs(degree.velocity_scale)
    return Box(-high, high, dtype=np.float32)
