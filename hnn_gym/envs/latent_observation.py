"""The real environment, observed through its frames alone, in the latent state of a learned world."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from hnn_gym.data import FrameRule
from hnn_gym.envs.pixel_observation import PixelObservation
from hnn_gym.envs.shipped import resolve_pixel_world, resolve_world
from hnn_gym.envs.tasks.pixel_task import latent_space
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.worlds.pixel_world import PixelWorld


class LatentObservation(gymnasium.Wrapper[np.ndarray, Any, Any, Any]):
    """Turns the environment's pictures into the observation that the learned world's own environment gives.

    Through it an agent trained on latent states of the dream acts in the real environment without seeing its state:
    two frames, made under the rule of the recording, are encoded to positions, and the velocity is the one with which a
    step of the world under the last action leads from one to the other. After a reset there is only one frame, and the
    velocity counts as 0.

    Example:
        >>> env = LatentObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), "HNNPixelPendulum-v0")
        >>> env.reset(seed=0)[0].shape
        (3,)
    """

    @checked_arguments
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
        super().__init__(PixelObservation.of(env, frame_rule_of(seen), stack=1))
        self.seen = seen
        self._channels = seen.codec.frame_shape[-1]
        self._q: np.ndarray | None = None
        self.observation_space = latent_space(seen)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Reset the environment; the latent observation, float32 ``(d,)``, of its first frame."""
        frames, info = self.env.reset(seed=seed, options=options)
        self._q = self.seen.codec.encode(frames[..., -self._channels :])
        return self._shown(self.seen.world.phase_point(self._q, np.zeros_like(self._q))), info

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        """Step the environment; the latent observation, float32 ``(d,)``, of its last two frames."""
        frames, reward, terminated, truncated, info = self.env.step(action)
        if self._q is None:
            raise InputError("Reset the environment before the first step.")
        before, self._q = self._q, self.seen.codec.encode(frames[..., -self._channels :], near=self._q)
        x = self.seen.arrived(before, self._q, np.asarray(action).reshape(-1))
        return self._shown(x), reward, terminated, truncated, info

    def _shown(self, x: np.ndarray) -> np.ndarray:
        latent: np.ndarray = self.seen.world.decode(x)
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
