"""Many copies of a world as a stable-baselines3 ``VecEnv``, with that library's own conventions.

Ended episodes restart within the step; ``info`` of an ended copy holds ``terminal_observation``,
``TimeLimit.truncated`` and ``episode`` = {"r", "l", "t"}, so that VecMonitor is not needed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from hnn_gym.envs.batch import Batch
from hnn_gym.envs.checks import checked_options
from hnn_gym.envs.render.many import BatchPictures
from hnn_gym.envs.vector import SimulatorVectorEnv
from hnn_gym.errors import InputError, checked_arguments, instance, true_or_false, whole_number

_PICTURES = 4


class SimulatorVecEnv(VecEnv):
    """A batch of worlds for PPO, SAC and the rest, which loops only over copies whose episode ends."""

    @checked_arguments
    def __init__(self, batch: Batch, *, seed: int | None = None, staggered: bool = False, draws: bool = False) -> None:
        """Wrap a batch.

        Args:
            batch: the copies.
            seed: of the first episodes, copy i getting seed + i; None draws one.
            staggered: let the first episodes be of different lengths, so that they do not all end in one step.
            draws: whether ``render()`` gives pictures, of the first four copies.

        Raises:
            InputError: ``draws`` is set for a system without a picture.
        """
        task = batch.simulator.task
        if draws and task.renderer is None:
            raise InputError("There is no picture for this system: leave draws=True out.")
        self.batch, self._staggered = batch, staggered
        self.render_mode = "rgb_array" if draws else None
        super().__init__(batch.num_envs, *batch.simulator.spaces())
        self.seed(seed)
        self._returns = np.zeros(batch.num_envs)
        self._steps, self._first = (
            0,
            np.zeros(batch.num_envs, np.int64),
        )  # steps of the batch, now and when each episode began
        self._nothing: list[dict[str, Any]] = [{} for _ in range(batch.num_envs)]
        self._actions: np.ndarray | None = None
        self._pictures = BatchPictures(batch, min(_PICTURES, batch.num_envs)) if draws else None
        self.spec: EnvSpec | None = None
        self._began = time.time()

    def reset(self) -> np.ndarray:
        """Start an episode in every copy; return observations ``(num_envs, d)``.

        Raises:
            InputError: ``set_options`` gave the copies different, unknown or invalid options; nothing has changed
                then, the seeds included.
        """
        options = self._options[0]
        if any(other != options for other in self._options):
            raise InputError("The copies of a batch start with the same options: give set_options one dict.")
        options = checked_options(options, self.batch.simulator.task)
        self.batch.seed(self._seeds)
        self.batch.start(np.ones(self.num_envs, bool), options)
        if self._staggered:
            self.batch.stagger(np.random.default_rng(self._seeds[0]))
            self._staggered = False
        self._returns[:], self._first[:] = 0.0, self._steps
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        observation: np.ndarray = self.batch.observe()["observation"]
        return observation

    def step_async(self, actions: np.ndarray) -> None:
        """Note the actions ``(num_envs, k)`` for :meth:`step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Step every copy; return observations, float32 rewards, dones and infos.

        Raises:
            InputError: actions of another shape or not finite.
            ConvergenceError: a copy reached numbers that are not finite.
        """
        outcome, truncated = self.batch.advance(self._actions)
        self._returns += outcome.reward
        self._steps += 1
        dones = outcome.terminated | truncated
        # Copies whose episode continues have empty infos, and share the same dicts in every step.
        infos = self._nothing.copy()
        observation = outcome.observation
        if np.count_nonzero(dones):
            ended, elapsed = dones.nonzero()[0], round(time.time() - self._began, 6)
            cut = truncated[ended] & ~outcome.terminated[ended]
            columns = (ended, cut, self._returns[ended], self._steps - self._first[ended])
            finished = zip(*(column.tolist() for column in columns), observation[ended], strict=True)
            for i, only_cut, total, length, last in finished:
                infos[i] = {
                    "terminal_observation": last,
                    "TimeLimit.truncated": only_cut,
                    "episode": {"r": total, "l": length, "t": elapsed},
                }
            self._returns[ended], self._first[ended] = 0.0, self._steps
            observation[ended] = self.batch.start(dones)["observation"]
        return observation, outcome.reward.astype(np.float32), dones, infos

    def close(self) -> None:
        """Close the pictures, if there are any."""
        if self._pictures is not None:
            self._pictures.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Pictures of the first four copies, uint8 ``(height, width, 3)``."""
        return [] if self._pictures is None else self._pictures.draw()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return the attribute of this environment, once for every requested copy."""
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
        """Call a method of this environment; return its result, once for every requested copy."""
        return [getattr(self, method_name)(*args, **kwargs)] * self._count(indices)

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Any = None
    ) -> list[bool]:
        """Whether copies are wrapped: by a Monitor, since ``info`` holds what it would write, and by nothing else."""
        return [issubclass(wrapper_class, Monitor)] * self._count(indices)

    def _count(self, indices: int | Iterable[int] | None) -> int:
        return len(list(self._get_indices(indices)))


def make_sb3_vec(
    env_id: str,
    num_envs: int,
    *,
    seed: int | None = None,
    staggered: bool = False,
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
        staggered: let the first episodes be of different lengths, so that thousands do not all end in one step and
            every batch holds all parts of an episode. This is for training; an evaluation needs whole episodes.
        draws: whether ``render()`` gives pictures.
        kwargs: as for ``gymnasium.make_vec``.

    Raises:
        InputError: the id is not of this package, or an argument cannot be used.
    """
    instance(env_id, "env_id", str)
    if seed is not None:
        whole_number(seed, "seed", at_least=0)
    for name, value in (("staggered", staggered), ("draws", draws)):
        true_or_false(value, name)
    try:
        made = gymnasium.make_vec(env_id, num_envs=num_envs, vectorization_mode="vector_entry_point", **kwargs)
    except gymnasium.error.Error as error:
        known = gymnasium.registry.get(env_id)
        if known is not None and not str(known.vector_entry_point).startswith("hnn_gym."):
            raise InputError(f"{env_id} is not an environment of hnn_gym: learn its world first.") from None
        raise InputError(f"{env_id!r} cannot be made as a batch: {error}") from None
    envs = made.unwrapped
    if not isinstance(envs, SimulatorVectorEnv):
        raise InputError(f"{env_id} is not an environment of hnn_gym: learn its world first.")
    if made.single_observation_space != envs.single_observation_space:
        raise InputError("Frames are decoded outside the batch: train on observation='latent'.")
    if not isinstance(envs.batch.x, np.ndarray):
        raise InputError("stable-baselines3 takes NumPy arrays: leave out device, or use gymnasium.make_vec.")
    copies = SimulatorVecEnv(envs.batch, seed=seed, staggered=staggered, draws=draws)
    copies.spec = made.spec
    return copies
