"""Many copies of a world as a stable-baselines3 ``VecEnv``, with that library's own conventions.

Ended episodes begin anew within the step; ``info`` of an ended copy holds ``terminal_observation``,
``TimeLimit.truncated`` and ``episode`` = {"r", "l", "t"}, so that VecMonitor is not needed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from hnn_gym.envs.batch import Batch
from hnn_gym.envs.render import Renderer, renderer_for
from hnn_gym.envs.vector import SimulatorVectorEnv
from hnn_gym.errors import InputError

_PICTURES = 4


class SimulatorVecEnv(VecEnv):
    """A batch of worlds for PPO, SAC and the rest; no loop over copies but those whose episode ends."""

    def __init__(self, batch: Batch, *, seed: int | None = None, staggered: bool = False, draws: bool = False) -> None:
        """Wrap a batch.

        Args:
            batch: the copies.
            seed: of the first episodes, copy i getting seed + i; None draws one.
            staggered: let the first episodes be of different lengths, so that they do not all end in one step.
            draws: whether ``render()`` gives pictures, of the first four copies.

        Raises:
            InputError: pictures are asked of a system that has none.
        """
        task = batch.simulator.task
        if draws and task.picture is None:
            raise InputError("There is no picture for this system: leave draws=True out.")
        self.batch, self._staggered = batch, staggered
        self.render_mode = "rgb_array" if draws else None
        super().__init__(batch.num_envs, task.observation_space, batch.simulator.channel.space(task))
        self.seed(seed)
        self._returns = np.zeros(batch.num_envs)
        self._actions: np.ndarray | None = None
        self._force: np.ndarray | None = None
        self._renderers: list[Renderer] = []
        self._began = time.time()

    def reset(self) -> np.ndarray:
        """Start an episode in every copy; return observations ``(num_envs, d)``."""
        self.batch.seed(self._seeds)
        self.batch.start(np.ones(self.num_envs, bool))
        if self._staggered:
            self.batch.stagger(np.random.default_rng(self._seeds[0]))
            self._staggered = False
        self._returns[:] = 0.0
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return self.batch.observation()

    def step_async(self, actions: np.ndarray) -> None:
        """Note the actions ``(num_envs, k)`` for :meth:`step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Step every copy; return observations, float32 rewards, dones and infos.

        Raises:
            InputError: actions of another shape or not finite.
            ConvergenceError: a copy left the finite numbers.
        """
        transition, truncated = self.batch.advance(self._actions)
        terminated = np.asarray(transition.terminated, bool)
        self._force = transition.force
        rewards = np.array(transition.reward, dtype=np.float32)
        self._returns += transition.reward
        dones = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        observation = self.batch.observation()
        if dones.any():
            elapsed = round(time.time() - self._began, 6)
            for i in np.flatnonzero(dones):
                infos[i] = {
                    "terminal_observation": observation[i].copy(),
                    "TimeLimit.truncated": bool(truncated[i] and not terminated[i]),
                    "episode": {"r": float(self._returns[i]), "l": int(self.batch.steps[i]), "t": elapsed},
                }
            self._returns[dones] = 0.0
            self.batch.start(dones)
            observation = self.batch.observation()
        return observation, rewards, dones, infos

    def close(self) -> None:
        """Close the pictures, if there are any."""
        for renderer in self._renderers:
            renderer.close()
        self._renderers = []

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Pictures of the first four copies, uint8 ``(height, width, 3)``."""
        if self.render_mode is None:
            return []
        simulator = self.batch.simulator
        count = min(_PICTURES, self.num_envs)
        if not self._renderers:
            self._renderers = [renderer_for(simulator.task, "rgb_array") for _ in range(count)]
        q, v = simulator.world.state(self.batch.x[:count])
        forces = [None] * count if self._force is None else list(self._force[:count])
        return [r.draw(q[i], v[i], forces[i]) for i, r in enumerate(self._renderers)]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The attribute of this environment, once for every copy asked for."""
        return [getattr(self, attr_name)] * self._count(indices)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute, for all copies at once.

        Raises:
            InputError: only some of the copies are named: they share their attributes.
        """
        if self._count(indices) != self.num_envs:
            raise InputError(f"The copies of a batch share {attr_name}: set it for all of them.")
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of this environment; its result, once for every copy asked for."""
        return [getattr(self, method_name)(*args, **kwargs)] * self._count(indices)

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Any = None
    ) -> list[bool]:
        """False: there are no wrappers inside."""
        return [False] * self._count(indices)

    def _count(self, indices: int | Iterable[int] | None) -> int:
        return len(list(self._get_indices(indices)))


def make_sb3_vec(
    env_id: str,
    num_envs: int,
    *,
    seed: int | None = None,
    staggered: bool = True,
    draws: bool = False,
    **kwargs: Any,
) -> SimulatorVecEnv:
    """Make ``num_envs`` copies of a registered environment of this package for stable-baselines3.

    Example:
        >>> import hnn_gym
        >>> envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 256)

    Args:
        env_id: such as "HNNPendulum-v0", or "HNN-v0" with ``world_model=...``.
        num_envs: number of copies.
        seed: of the first episodes, copy i getting seed + i.
        staggered: let the first episodes be of different lengths: PPO evaluates every truncated copy by itself, and
            thousands that end in one step would stall it.
        draws: whether ``render()`` gives pictures.
        kwargs: as for ``gymnasium.make_vec``.

    Raises:
        InputError: the id is not of this package, or an argument cannot be used.
    """
    try:
        made = gymnasium.make_vec(env_id, num_envs=num_envs, vectorization_mode="vector_entry_point", **kwargs)
    except gymnasium.error.Error as error:
        raise InputError(f"{env_id!r} cannot be made as a batch: {error}") from None
    envs = made.unwrapped
    if not isinstance(envs, SimulatorVectorEnv):
        raise InputError(f"{env_id} is not an environment of hnn_gym.")
    return SimulatorVecEnv(envs.batch, seed=seed, staggered=staggered, draws=draws)
