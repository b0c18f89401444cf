"""The real environment, observed through its frames alone, in the latent state of a learned world."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from hnn_gym.data import FrameRule
from hnn_gym.envs.pixel_observation import PixelObservation
from hnn_gym.envs.shipped import resolve_pixel_world, resolve_world
from hnn_gym.envs.tasks.pixel_task import latent_space
from hnn_gym.errors import InputError
from hnn_gym.worlds.pixel_world import PixelWorld


class LatentObservation(gymnasium.ObservationWrapper[np.ndarray, Any, Any]):
    """Turns the environment's pictures into the observation that the learned world's own environment gives.

    Through it an agent trained on latent states of the dream acts in the real environment without seeing its state:
    two frames, made under the rule of the recording, are encoded to positions, and their difference gives the
    velocity. After a reset there is only one frame, and the velocity counts as 0.

    Example:
        >>> env = LatentObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), "HNNPixelPendulum-v0")
        >>> env.reset(seed=0)[0].shape
        (3,)
    """

    def __init__(self, env: gymnasium.Env[Any, Any], world: PixelWorld | str) -> None:
        """Wrap ``env``.

        Args:
            env: made with ``render_mode="rgb_array"``.
            world: a world learned from frames, the id of a shipped one, or the path of a checkpoint.

        Raises:
            MissingPathError: there is no such checkpoint.
            InputError: the world was not learned from frames, or from frames without a rule; or the environment does
                not draw to arrays.
        """
        seen = resolve_pixel_world(world)
        if seen is None:
            resolve_world(world)  # type: ignore[arg-type]  # it raises the error for anything but a world
            raise InputError(f"{world!r} was not learned from frames: give a world that `train_pixel_world` made.")
        super().__init__(PixelObservation.of(env, frame_rule_of(seen), stack=2))
        self.seen = seen
        self.observation_space = latent_space(seen)

    def observation(self, observation: np.ndarray) -> np.ndarray:
        """The latent observation, float32 ``(d,)``, of a pair of frames."""
        latent: np.ndarray = self.seen.world.decode(self.seen.encode(observation))
        return latent.astype(np.float32)


def frame_rule_of(seen: PixelWorld) -> FrameRule:
    """The rule of the frames that a world was learned from.

    Raises:
        InputError: the world was learned from frames without a rule.
    """
    provenance = seen.about.get("provenance")
    rule = provenance.get("frame_rule") if isinstance(provenance, dict) else None
    if rule is None:
        raise InputError("This world was learned from frames without a rule: record with --pixels, and learn it again.")
    return FrameRule.from_json(rule)
