"""Worlds learned from frames as environments: the latent, or decoded frames, as observation."""

from __future__ import annotations

import os
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import VectorWrapper
from gymnasium.vector.utils import batch_space

from hnn_gym.envs.length import limited
from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.envs.single import SimulatorEnv
from hnn_gym.envs.vector import SimulatorVectorEnv
from hnn_gym.errors import InputError
from hnn_gym.worlds.pixel_world import PixelWorld

Observation = Literal["latent", "pixels"]
PixelWorldSource = PixelWorld | str | os.PathLike[str]


class DecodedFrames(gymnasium.ObservationWrapper[np.ndarray, Any, Any]):
    """Observes decoded frames instead of the latent state: what a camera would see in the dream."""

    def __init__(self, env: gymnasium.Env[Any, Any], seen: PixelWorld, *, stack: int) -> None:
        """Show ``stack`` frames, 1 or 2, the newest last."""
        super().__init__(env)
        self._seen, self._stack = seen, stack
        self.observation_space = _frame_space(seen, stack)

    def observation(self, observation: np.ndarray) -> np.ndarray:
        """Frames, uint8 ``(H, W, stack C)``."""
        return _frames(self._seen, observation, self._stack)


class DecodedVectorFrames(VectorWrapper):
    """Does the same for many copies."""

    def __init__(self, env: SimulatorVectorEnv, seen: PixelWorld, *, stack: int) -> None:
        """Show ``stack`` frames, 1 or 2, the newest last."""
        super().__init__(env)
        self._seen, self._stack = seen, stack
        self.single_observation_space = _frame_space(seen, stack)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset as the latent environments do, with frames, uint8 ``(num_envs, H, W, stack C)``."""
        observation, infos = self.env.reset(seed=seed, options=options)
        return _frames(self._seen, observation, self._stack), infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step as the latent environments do, with frames, also those that episodes ended with."""
        observation, rewards, terminated, truncated, infos = self.env.step(actions)
        if "final_obs" in infos:
            final = [None if row is None else _frames(self._seen, row, self._stack) for row in infos["final_obs"]]
            infos["final_obs"] = np.array([*final, None], dtype=object)[:-1]
        return _frames(self._seen, observation, self._stack), rewards, terminated, truncated, infos


def make_pixels(
    world_model: PixelWorldSource, observation: Observation = "latent", stack: int = 2, **kwargs: Any
) -> gymnasium.Env[Any, Any]:
    """Entry point of the environments learned from frames.

    Args:
        world_model: a world learned from frames, the id of a shipped one, or the path of a checkpoint.
        observation: "latent", the state (cos q, sin q, v); or "pixels", decoded frames.
        stack: frames in an observation, 1 or 2; two show the velocity.
        kwargs: as for :class:`hnn_gym.envs.SimulatorEnv`.

    Raises:
        MissingPathError: there is no such checkpoint.
        InputError: the world was not learned from frames; another observation or stack; or an argument is refused.
    """
    seen = _seen(world_model, observation, stack)
    env = SimulatorEnv(seen, **kwargs)
    seen_as = env if observation == "latent" else DecodedFrames(env, seen, stack=stack)
    return limited(seen_as, env.task.max_episode_steps)


def make_pixels_vector(
    world_model: PixelWorldSource, observation: Observation = "latent", stack: int = 2, **kwargs: Any
) -> SimulatorVectorEnv | DecodedVectorFrames:
    """Vector entry point: as :func:`make_pixels`, with ``kwargs`` for :class:`hnn_gym.envs.SimulatorVectorEnv`."""
    seen = _seen(world_model, observation, stack)
    if observation == "pixels" and kwargs.get("device") is not None:
        raise InputError("Frames are decoded on NumPy: leave out device, or observe the latent.")
    envs = SimulatorVectorEnv(seen, **kwargs)
    return envs if observation == "latent" else DecodedVectorFrames(envs, seen, stack=stack)


# ``gymnasium.make`` looks here for the render modes.
make_pixels.metadata = SimulatorEnv.metadata  # type: ignore[attr-defined]


def _seen(world_model: PixelWorldSource, observation: str, stack: int) -> PixelWorld:
    if observation not in ("latent", "pixels"):
        raise InputError(f"observation must be 'latent' or 'pixels', not {observation!r}.")
    if stack not in (1, 2):
        raise InputError(f"A state shows one or two frames, not stack={stack!r}: its past is not known.")
    seen = resolve_pixel_world(world_model)
    if seen is None:
        raise InputError(f"{world_model!r} was not learned from frames: make it with gymnasium.make('HNN-v0', ...).")
    return seen


def _frame_space(seen: PixelWorld, stack: int) -> Box:
    rows, columns, channels = seen.codec.frame_shape
    return Box(0, 255, (rows, columns, stack * channels), np.uint8)


def _frames(seen: PixelWorld, observation: np.ndarray, stack: int) -> np.ndarray:
    return seen.decode(seen.world.encode(np.asarray(observation, np.float64)), stack=stack)
