"""Many copies of a world as one ``gymnasium.vector.VectorEnv``: one batched step, no loop over environments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

from hnn_gym.envs.autoreset import AutoresetMode
from hnn_gym.envs.batch import Batch
from hnn_gym.envs.build import WorldSource, simulator_of
from hnn_gym.envs.checks import checked_options, episode_limit
from hnn_gym.envs.options import SimulatorOptions
from hnn_gym.envs.render.many import BatchPictures
from hnn_gym.errors import InputError, true_or_false
from hnn_gym.physics.phase import Array, namespace

_RENDER_FPS = 30


class SimulatorVectorEnv(VectorEnv[Array, Array, Array]):
    """``num_envs`` copies of a true or learned world, stepped as one.

    ``reset(seed=s)`` seeds copy i with s + i: it then starts where the single environment with this seed starts, and
    gives the same numbers step for step. Episodes are truncated here, since ``gymnasium.make_vec`` adds no TimeLimit.

    Example:
        >>> import gymnasium, hnn_gym
        >>> envs = gymnasium.make_vec("HNNPendulum-v0", num_envs=1024)
        >>> observations, infos = envs.reset(seed=0)
        >>> observations, rewards, terminated, truncated, infos = envs.step(envs.action_space.sample())
    """

    def __init__(
        self,
        world_model: WorldSource | Sequence[WorldSource] | None = None,
        *,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        staggered: bool = False,
        dtype: str = "float64",
        device: str | None = None,
        **options: Any,
    ) -> None:
        """Make the copies.

        Args:
            world_model: a world, the id of one, or the path of a checkpoint; or an ensemble of them.
            num_envs: number of copies.
            max_episode_steps: truncate after so many steps; None: the task's own number; -1: never.
            render_mode: None, or "rgb_array": ``render()`` returns a picture of every copy.
            autoreset_mode: one of Gymnasium's.
            staggered: after the first reset, count the copies as begun at different times, so that they do not all
                end in one step; the first episodes are then shorter.
            dtype: "float64" or "float32", of the physics; float32 steps two to three times as fast.
            device: None for NumPy arrays. "cpu" or "cuda" for torch tensors there, in and out: on a GPU the step is
                one CUDA graph, and only starts are drawn on the CPU.
            options: fields of :class:`hnn_gym.envs.SimulatorOptions`.

        Raises:
            InputError: ``num_envs`` is below 1, the mode or an option is unknown, there is no such device, the reward
                does not take batches, or the world cannot be used.
        """
        true_or_false(staggered, "staggered")
        own = ("num_envs", "max_episode_steps", "render_mode", "autoreset_mode", "staggered", "dtype", "device")
        chosen = SimulatorOptions.from_keywords(options, also=own)
        try:
            mode = AutoresetMode(autoreset_mode)
        except ValueError:
            known = ", ".join(m.value for m in AutoresetMode)
            raise InputError(f"There is no autoreset mode {autoreset_mode!r}: choose from {known}.") from None
        simulator = simulator_of(world_model, chosen)
        limit = episode_limit(max_episode_steps, "max_episode_steps")
        if max_episode_steps is None:
            limit = simulator.task.max_episode_steps
        self.batch = Batch(simulator, num_envs, max_episode_steps=limit, dtype=dtype, device=device)
        self.num_envs = num_envs
        drawn = isinstance(render_mode, str) and render_mode == "rgb_array" and simulator.task.renderer is not None
        if render_mode is not None and not drawn:
            raise InputError(
                f"render_mode {render_mode!r} is not supported for many copies: leave it out"
                + (', or choose "rgb_array".' if simulator.task.renderer else ", since there is no picture here.")
            )
        self.metadata = {"autoreset_mode": mode, "render_modes": ["rgb_array"], "render_fps": _RENDER_FPS}
        self.render_mode = render_mode
        self._pictures = None if render_mode is None else BatchPictures(self.batch, num_envs)
        self.single_observation_space, self.single_action_space = simulator.spaces()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._mode = mode
        self._every = self.batch.steps >= 0
        self._done = ~self._every
        self._staggered = staggered
        self._spec: EnvSpec | None = None

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """When ended copies begin again."""
        return self._mode

    @property
    def spec(self) -> EnvSpec | None:
        """The spec from which ``gymnasium.make_vec`` made this, with the actual length of its episodes."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        steps = self.batch.max_episode_steps
        self._spec = None if spec is None else replace(spec, max_episode_steps=steps)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start episodes in all copies, or in those of ``options["reset_mask"]``, a bool ``(num_envs,)``.

        Raises:
            InputError: the number of seeds or the shape or type of the mask is wrong, or an option is unknown or
                invalid; nothing has changed then, the seeds included.
        """
        options = checked_options(options, self.batch.simulator.task, also=("reset_mask",))
        mask = self._checked_mask(options.pop("reset_mask", None))
        seeds = None if seed is None else self._checked_seeds(seed)
        if seeds is not None:
            self.batch.seed(seeds)
        self.batch.start(mask, options)
        if self._staggered:
            self.batch.stagger(np.random.default_rng(None if seeds is None else _entropy(seed, seeds)))
            self._staggered = False
        self._done = self._done & ~mask
        info = self.batch.observe()
        return info.pop("observation"), self._with_masks(info, mask)

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Advance all copies by dt under actions ``(num_envs, k)``.

        Raises:
            InputError: the actions have another shape or are not finite, reset was not called, or, without autoreset,
                an episode has ended; nothing has changed then.
            ConvergenceError: a copy reached numbers that are not finite.
        """
        if self._mode == AutoresetMode.NEXT_STEP and _some(self._done):
            return self._step_and_restart(actions)
        if self._mode == AutoresetMode.DISABLED and _some(self._done):
            ended = [i for i, done in enumerate(self._done.tolist()) if done][:8]
            raise InputError(f'The environments {ended} have ended: reset them with options={{"reset_mask": ...}}.')
        outcome, truncated = self.batch.advance(actions)
        terminated = outcome.terminated
        ended = terminated | truncated
        infos, observation = self._with_masks(outcome.info), outcome.observation
        if self._mode == AutoresetMode.SAME_STEP and _some(ended):
            infos, observation = self._restart_at_once(ended, infos, observation)
            self._done = ended & ~ended
        else:
            self._done = ended
        return observation, outcome.reward, terminated, truncated, infos

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Pictures of all copies, each uint8 ``(height, width, 3)``; None without a render mode."""
        if self._pictures is None:
            gymnasium.logger.warn("render() was called, but the environments were made without a render_mode.")
            return None
        return tuple(self._pictures.draw())

    def close_extras(self, **kwargs: Any) -> None:
        """Close the pictures, if there are any."""
        if self._pictures is not None:
            self._pictures.close()

    def reverse(self) -> None:
        """Reverse time in all copies: see :meth:`hnn_gym.envs.SimulatorEnv.reverse`.

        Raises:
            InputError: the world's scheme cannot be run backwards exactly.
        """
        self.batch.reverse()

    def _step_and_restart(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Next-step autoreset: ended copies are reset instead of stepped, at a reward of 0."""
        begun = self._done
        outcome, truncated = self.batch.advance(actions, begun)
        self._done = outcome.terminated | truncated
        return outcome.observation, outcome.reward, outcome.terminated, truncated, self._with_masks(outcome.info)

    def _restart_at_once(self, ended: Array, infos: dict[str, Any], observation: Array) -> tuple[dict[str, Any], Array]:
        """Same-step autoreset: last observation and info of the episode go into ``final_obs`` and ``final_info``."""
        final_obs = _copied(observation)
        if isinstance(observation, np.ndarray):  # as in Gymnasium: an object array, None where no episode ended
            final_obs = np.full(self.num_envs, None, dtype=object)
            for i in np.flatnonzero(ended):
                final_obs[i] = observation[i].copy()
        final_info = {name: value & ended if name.startswith("_") else value for name, value in infos.items()}
        begun = {name: value & ~ended if name.startswith("_") else _copied(value) for name, value in infos.items()}
        observation = self._with_starts(ended, self.batch.start(ended), begun, observation)
        final = {"final_obs": final_obs, "_final_obs": ended, "final_info": final_info, "_final_info": ended}
        return {**begun, **final}, observation

    @staticmethod
    def _with_starts(begun: Array, started: dict[str, Array], infos: dict[str, Any], observation: Array) -> Array:
        """Insert observation and info of the copies that have just begun."""
        observation[begun] = started.pop("observation")
        for name, value in started.items():
            infos[name][begun] = value
            infos[f"_{name}"] = infos[f"_{name}"] | begun
        return observation

    def _with_masks(self, info: dict[str, Array], mask: Array | None = None) -> dict[str, Any]:
        """Add Gymnasium's masks to an info: which copies each entry is about; None: all of them."""
        infos: dict[str, Any] = {}
        for name, value in info.items():
            infos[name] = value
            infos[f"_{name}"] = _copied(self._every if mask is None else mask)
        return infos

    def _checked_seeds(self, seed: Any) -> list[int | None]:
        seeds = [seed + i for i in range(self.num_envs)] if _whole(seed) else seed
        if not isinstance(seeds, Sequence | np.ndarray) or isinstance(seeds, str):
            raise InputError(f"seed must be a whole number from 0, or one for every copy, got {seed!r}.")
        if len(seeds) != self.num_envs:
            raise InputError(f"There are {self.num_envs} environments and {len(seeds)} seeds.")
        wrong = [i for i, one in enumerate(seeds) if one is not None and not (_whole(one) and one >= 0)]
        if wrong:
            raise InputError(f"The seeds of the environments {wrong[:8]} are not whole numbers from 0.")
        return [None if one is None else int(one) for one in seeds]

    def _checked_mask(self, mask: Any) -> Array:
        if mask is None:
            return self._every
        array = np.asarray(mask)
        if array.shape != (self.num_envs,) or array.dtype != bool or not array.any():
            raise InputError(
                f"reset_mask must be a bool array ({self.num_envs},) with at least one True, and is {array.dtype} "
                f"{array.shape}."
            )
        return namespace(self.batch.x).asarray(array, device=self.batch.x.device)


def _entropy(seed: Any, seeds: list[int | None]) -> int | list[int] | None:
    """What the offsets of staggered copies are drawn from: the seed, or all seeds; None: they may be any."""
    if _whole(seed):
        return int(seed)
    known = [one for one in seeds if one is not None]
    return known if len(known) == len(seeds) else None


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _some(mask: Array) -> bool:
    return bool(namespace(mask).count_nonzero(mask))  # in NumPy, several times as fast as any()


def _copied(array: Array) -> Array:
    copied: Array = array.copy() if isinstance(array, np.ndarray) else array.clone()
    return copied
