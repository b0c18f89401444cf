"""Many copies of a world as one ``gymnasium.vector.VectorEnv``: one batched step, no loop over environments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from hnn_gym.envs.batch import Batch
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.core import Transition
from hnn_gym.errors import InputError
from hnn_gym.world_model import WorldModel


class SimulatorVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """``num_envs`` copies of a true or learned world, stepped in float64 on NumPy.

    ``reset(seed=s)`` seeds copy i with s + i: it then starts where the single environment seeded so starts, and gives
    the same numbers step for step. Episodes are truncated here, since ``gymnasium.make_vec`` adds no TimeLimit.

    Example:
        >>> import gymnasium, hnn_gym
        >>> envs = gymnasium.make_vec("HNNPendulum-v0", num_envs=1024)
        >>> observations, infos = envs.reset(seed=0)
        >>> observations, rewards, terminated, truncated, infos = envs.step(envs.action_space.sample())
    """

    def __init__(
        self,
        world_model: WorldModel | str | os.PathLike[str],
        *,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        **world_options: Any,
    ) -> None:
        """Make the copies.

        Args:
            world_model: a world, the id of one, or the path of a checkpoint.
            num_envs: number of copies.
            max_episode_steps: truncate after so many steps; None: the task's own number.
            autoreset_mode: one of Gymnasium's.
            world_options: ``task``, ``reward``, ``dt``, ``actions``, ``bump_limit``, ``bump_price`` as of
                :class:`hnn_gym.envs.SimulatorEnv`.

        Raises:
            InputError: ``num_envs`` is below 1, the mode is unknown, or the world cannot be used.
        """
        try:
            mode = AutoresetMode(autoreset_mode)
        except ValueError:
            known = ", ".join(m.value for m in AutoresetMode)
            raise InputError(f"There is no autoreset mode {autoreset_mode!r}: choose from {known}.") from None
        simulator = build_simulator(world_model, **world_options)
        limit = simulator.task.max_episode_steps if max_episode_steps is None else max_episode_steps
        self.batch = Batch(simulator, num_envs, max_episode_steps=limit)
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": mode, "render_modes": []}
        self.render_mode = None
        self.single_observation_space = simulator.task.observation_space
        self.single_action_space = simulator.channel.space(simulator.task)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._mode = mode
        self._done = np.zeros(num_envs, bool)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start episodes in all copies, or in those of ``options["reset_mask"]``, a bool ``(num_envs,)``.

        Raises:
            InputError: another number of seeds, a mask of another shape or type, or an unknown option.
        """
        options = dict(options or {})
        mask = self._checked_mask(options.pop("reset_mask", None))
        unknown = set(options) - set(self.batch.simulator.task.options)
        if unknown:
            known = ["reset_mask", *self.batch.simulator.task.options]
            raise InputError(f"reset does not know the options {sorted(unknown)}: it knows {known}.")
        if seed is not None:
            seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int | np.integer) else list(seed)
            if len(seeds) != self.num_envs:
                raise InputError(f"There are {self.num_envs} environments and {len(seeds)} seeds.")
            self.batch.seed(seeds)
        self.batch.start(mask, options)
        self._done = self._done & ~mask
        return self.batch.observation(), self._told(self.batch.simulator.info(self.batch.x), mask)

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Advance all copies by dt under actions ``(num_envs, k)``.

        Raises:
            InputError: actions of another shape or not finite, a step before reset, or, without autoreset, a step of
                an episode that has ended; nothing has changed then.
            ConvergenceError: a copy left the finite numbers.
        """
        if self._mode == AutoresetMode.NEXT_STEP and self._done.any():
            return self._step_and_begin_anew(actions)
        if self._mode == AutoresetMode.DISABLED and self._done.any():
            ended = np.flatnonzero(self._done)[:8].tolist()
            raise InputError(f'The environments {ended} have ended: reset them with options={{"reset_mask": ...}}.')
        transition, truncated = self.batch.advance(actions)
        terminated = np.asarray(transition.terminated, bool)
        ended = terminated | truncated
        infos = self._told_of(transition)
        if self._mode == AutoresetMode.SAME_STEP and ended.any():
            infos = self._begin_anew_at_once(ended, infos)
            self._done = np.zeros(self.num_envs, bool)
        else:
            self._done = ended
        return self.batch.observation(), np.asarray(transition.reward, np.float64), terminated, truncated, infos

    def _step_and_begin_anew(
        self, actions: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Next-step autoreset: ended copies are reset instead of stepped, at a reward of 0."""
        active = ~self._done
        transition, truncated = self.batch.advance(actions, active)
        self.batch.start(self._done)
        terminated = np.asarray(transition.terminated, bool) & active
        rewards = np.where(active, transition.reward, 0.0)
        infos = self._told_of(transition)
        for name in set(infos) - {"energy", "_energy"}:
            if name.startswith("_"):
                infos[name] = infos[name] & active
        self._done = terminated | truncated
        return self.batch.observation(), rewards, terminated, truncated, infos

    def _begin_anew_at_once(self, ended: np.ndarray, infos: dict[str, Any]) -> dict[str, Any]:
        """Same-step autoreset: what the episode ended with goes into ``final_obs`` and ``final_info``."""
        last = self.batch.observation()
        final_obs = np.full(self.num_envs, None, dtype=object)
        for i in np.flatnonzero(ended):
            final_obs[i] = last[i]
        final_info = {name: value & ended if name.startswith("_") else value for name, value in infos.items()}
        self.batch.start(ended)
        begun = self._told(self.batch.simulator.info(self.batch.x))
        merged = {**infos, **begun}
        for name in set(infos) - set(begun):
            if name.startswith("_"):
                merged[name] = infos[name] & ~ended
        final = {"final_obs": final_obs, "_final_obs": ended, "final_info": final_info, "_final_info": ended}
        return {**merged, **final}

    def _told_of(self, transition: Transition) -> dict[str, Any]:
        infos = self._told(self.batch.simulator.info(self.batch.x, transition))
        if transition.unresolved is not None and transition.unresolved.any():
            infos |= {"close_encounter": transition.unresolved, "_close_encounter": transition.unresolved}
        return infos

    def _told(self, told: dict[str, Any], mask: np.ndarray | None = None) -> dict[str, Any]:
        infos: dict[str, Any] = {}
        for name, value in told.items():
            infos[name] = np.array(value, dtype=np.float64)
            infos[f"_{name}"] = np.ones(self.num_envs, bool) if mask is None else mask.copy()
        return infos

    def _checked_mask(self, mask: Any) -> np.ndarray:
        if mask is None:
            return np.ones(self.num_envs, bool)
        array = np.asarray(mask)
        if array.shape != (self.num_envs,) or array.dtype != bool or not array.any():
            raise InputError(
                f"reset_mask must be a bool array ({self.num_envs},) with at least one True, and is {array.dtype} "
                f"{array.shape}."
            )
        return array
