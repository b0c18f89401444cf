"""Many copies of a simulator stepped as one batch: the state behind the vector shells, on NumPy or torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.checks import (
    check_reward,
    check_steps,
    check_termination_of_one,
    numbers,
    start_states,
    whole_numbers,
)
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.start_sampler import Draws
from hnn_gym.envs.stepping import Outcome
from hnn_gym.envs.stepping_numpy import Steps
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.physics.phase import Array, namespace

_MOST_COPIES = 2**22


class Batch:
    """Phase points, step counters and random generators of ``num_envs`` copies.

    A copy that is seeded with s starts where the single environment seeded with s starts.

    Attributes:
        simulator: the world and the task.
        x: phase points ``(num_envs, 2n)``, NumPy or torch; read only.
        max_episode_steps: episodes are truncated after so many steps, None: never. May be changed at any time.
        force: the last forces ``(num_envs, m)``, for pictures; None before the first step.
    """

    def __init__(
        self,
        simulator: Simulator,
        num_envs: int,
        *,
        max_episode_steps: int | None,
        dtype: str = "float64",
        device: str | None = None,
    ) -> None:
        """Hold ``num_envs`` copies, none of which has a state before :meth:`start`.

        Args:
            simulator: the world and the task.
            num_envs: number of copies.
            max_episode_steps: truncate after so many steps; None: never.
            dtype: "float64" or "float32", of the physics.
            device: None for NumPy; "cpu" or "cuda" for torch tensors there.

        Raises:
            InputError: ``num_envs`` or ``max_episode_steps`` is below 1, there are more copies than a batch may hold,
                another ``dtype``, or no such device.
        """
        if isinstance(num_envs, bool) or not isinstance(num_envs, int | np.integer) or num_envs < 1:
            raise InputError(f"num_envs must be at least 1, got {num_envs!r}.")
        if num_envs > _MOST_COPIES:
            raise InputError(
                f"num_envs must be at most {_MOST_COPIES:,}, got {num_envs:,}: each copy has a generator of its own. "
                "Step several batches after one another."
            )
        check_steps(max_episode_steps, "max_episode_steps")
        self.simulator, self.num_envs = simulator, int(num_envs)
        self.max_episode_steps = max_episode_steps
        self._space = simulator.channel.space(simulator.task)
        self.action_shape = (num_envs, *(self._space.shape or ()))
        start = np.full((num_envs, 2 * simulator.world.coordinates.n), np.nan, _checked_type(dtype), order="F")
        if simulator.world.integrator.exact and start.dtype != np.float64:
            raise InputError(f'exactly_reversible=True needs dtype="float64", got {dtype!r}.')
        if device is None:
            self.x: Array = start
        else:
            from hnn_gym.envs import stepping_torch
            from hnn_gym.worlds.devices import checked_device  # imports torch, which NumPy batches do not need

            self.x = stepping_torch.on_device(start, checked_device(device))
        rows = simulator.world.coordinates.observation_size + 1  # so that one row does not look like a column
        check_termination_of_one(simulator)
        check_reward(simulator.task, *(self._alike(part) for part in start_states(simulator, rows)))
        self._step = self._steps_of(simulator)
        self._xp, self._place = namespace(self.x), {"device": self.x.device}
        self._started = False
        self.force: Array | None = None
        # Steps are not counted copy by copy: the batch stores when the present episodes began.
        self._now, self._began = 0, self._xp.zeros(num_envs, dtype=self._xp.int64, **self._place)
        self._draws = Draws(simulator.world, simulator.task, self.num_envs)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the compiled step, which cannot be copied: a copy makes its own."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_step", "_xp")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Compile the step again."""
        self.__dict__.update(state)
        self._xp = namespace(self.x)
        self._step = self._steps_of(self.simulator)
        if not bool(self._xp.any(self._xp.isnan(self.x))):
            self.observe()

    @property
    def steps(self) -> Array:
        """Steps of the present episodes, int64 ``(num_envs,)``."""
        return self._now - self._began

    @property
    def times(self) -> Array | None:
        """Seconds since the present episodes began ``(num_envs,)``; None where the task's goal never changes."""
        if not self.simulator.task.goal_size:
            return None
        return self._xp.asarray(self.steps, dtype=self.x.dtype) * abs(self.simulator.world.dt)

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Seed every copy; None leaves one as it is."""
        self._draws.seed(seeds)

    def start(self, which: Array, options: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """Begin an episode in the copies that the bool ``which`` ``(num_envs,)`` marks; options have been checked.

        Returns:
            Their ``observation`` ``(k, d)``, and the info by name, ``(k,)``.
        """
        x = self._xp.asarray(self.x, copy=True)
        rows = self._put_starts(x, which, options or {})
        self.x, self._began[rows] = x, self._now
        return self._begin(rows)

    def _alike(self, array: np.ndarray) -> Array:
        """An array of states in the library, type and place of the copies."""
        if isinstance(self.x, np.ndarray):
            return array.astype(self.x.dtype)
        return namespace(self.x).asarray(array, dtype=self.x.dtype, device=self.x.device)

    def _as_tensor(self, actions: Any) -> Array:
        from hnn_gym.envs import stepping_torch

        return stepping_torch.as_tensor(actions, like=self.x)

    def _put_starts(self, x: Array, which: Array, options: Mapping[str, Any]) -> Array:
        """Draw starts into the marked rows of x; return the indices of those rows ``(k,)``."""
        chosen = _on_host(which).nonzero()[0]
        start = self._draws.starts(chosen, options)
        rows = chosen if self._xp is np else self._xp.asarray(chosen, **self._place)
        x[rows] = start if self._xp is np else self._xp.asarray(start, dtype=x.dtype, **self._place)
        return rows

    def reverse(self) -> None:
        """Reverse time in all copies: the next steps undo the last ones.

        Raises:
            InputError: the world's scheme cannot be run backwards exactly.
        """
        self.simulator = replace(self.simulator, world=self.simulator.world.backwards)
        self._step = self._steps_of(self.simulator)
        self.observe()

    def _steps_of(self, simulator: Simulator) -> Any:
        if not isinstance(self.x, np.ndarray):
            from hnn_gym.envs.stepping_torch import TorchSteps

            return TorchSteps(simulator, self.x)
        if self.x.dtype != np.float64:
            simulator = simulator.like(self.x)
        return Steps(simulator, self.num_envs, self.x.dtype)

    def observe(self) -> dict[str, Array]:
        """Return observation and info of all copies, as :meth:`start` does of those that it starts."""
        return self._begin(self._xp.arange(self.num_envs, **self._place))

    def _begin(self, rows: Array) -> dict[str, Array]:
        """Observation and info of the copies ``rows`` ``(k,)``, which no step has led to."""
        outcome: dict[str, Array] = self._step.begin(self.x, rows, self.times)
        for name, value in self.simulator.no_step_info.items():
            dtype = self._xp.bool if isinstance(value, bool) else self.x.dtype
            outcome[name] = self._xp.full(len(rows), value, dtype=dtype, **self._place)
        return outcome

    def stagger(self, rng: np.random.Generator) -> None:
        """Count the present episodes as begun at different times, so that they end at different times."""
        limit = self.max_episode_steps
        if limit is not None:
            self._began = self._now - self._xp.asarray(rng.integers(0, limit, self.num_envs), **self._place)

    def advance(self, actions: Any, begun: Array | None = None) -> tuple[Outcome, Array]:
        """Step all copies, but begin an episode in those that ``begun`` ``(num_envs,)`` marks, at a reward of 0.

        Returns:
            The outcome and ``truncated`` ``(num_envs,)``, in fresh arrays. In the rows of copies that began, only
            ``x``, ``observation``, ``reward``, ``terminated`` and the info are valid.

        Raises:
            InputError: actions of another shape or not finite, or a copy without a state; nothing has changed then.
            ConvergenceError: a copy reached numbers that are not finite; nothing has changed then.
        """
        xp, rows = self._xp, None

        def arrived(new: Array) -> Array | None:
            nonlocal rows
            if not _finite(new):
                self._refuse_lost(new, checked, begun)
            rows = None if begun is None else self._put_starts(new, begun, {})
            return rows

        checked = self._checked(actions, begun)
        outcome = self._step(self.x, checked, self.times, arrived=arrived)
        self._step.kept()
        self.x, self.force = outcome.x, outcome.force
        self._now += 1
        cut = self.simulator.cut(outcome.info.get("disagreement"))
        if rows is not None:
            self._began[rows], outcome.reward[rows], outcome.terminated[rows] = self._now, 0.0, False
            for name, value in self.simulator.no_step_info.items():
                outcome.info[name][rows] = value
            if cut is not None:
                cut[rows] = False
        if self.max_episode_steps is None:
            return outcome, xp.zeros(self.num_envs, dtype=xp.bool, **self._place) if cut is None else cut
        truncated = self._began <= self._now - self.max_episode_steps
        return outcome, truncated if cut is None else truncated | cut

    def _check_started(self) -> None:
        self._started = self._started or not bool(self._xp.any(self._xp.isnan(self.x)))
        if not self._started:
            raise InputError("The environments have no state yet: call reset() first.")

    def _refuse_lost(self, new: Array, actions: Array, begun: Array | None) -> None:
        lost = ~self._xp.all(self._xp.isfinite(new), axis=-1)
        rows = _on_host(lost if begun is None else lost & ~begun).nonzero()[0]
        if not len(rows):
            return
        which = rows[:8].tolist()
        try:  # a scheme that does not converge raises its own error
            self.simulator.like(self.x).move(self.x[which], actions[which])
        except ConvergenceError as error:
            raise ConvergenceError(f"The environments {which} cannot be stepped. {error}") from None
        raise ConvergenceError(f"The environments {which} reached numbers that are not finite: reset them.")

    def _checked(self, actions: Any, begun: Array | None) -> Array:
        xp = self._xp
        if not isinstance(self._space, Box):
            given = actions if xp is np else self._as_tensor(actions).cpu().numpy().astype(np.int64)
            vectors = self.simulator.action_vector(whole_numbers(given, self._space, (self.num_envs,)))
            self._check_started()
            return vectors if xp is np else self._as_tensor(vectors)
        array = numbers(actions, "batch of actions") if xp is np else self._as_tensor(actions)
        if tuple(array.shape) != self.action_shape:
            raise InputError(f"The actions have shape {tuple(array.shape)}, and must have {self.action_shape}.")
        self._check_started()
        if _finite(array):
            return array
        bad = ~xp.all(xp.isfinite(array), axis=-1)
        rows = _on_host(bad if begun is None else bad & ~begun).nonzero()[0]
        if len(rows):
            raise InputError(f"The actions of the environments {rows[:8].tolist()} are not finite.")
        return xp.where(bad[:, None], xp.zeros_like(array), array)  # the actions of copies that begin do not count


def _finite(array: Array) -> bool:
    """Whether all entries are finite, by the sum of their squares; False also if only the sum overflows."""
    flat = array.ravel("K") if isinstance(array, np.ndarray) else array.reshape(-1)
    return math.isfinite(flat.dot(flat))


def _on_host(array: Array) -> np.ndarray:
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu())


def _checked_type(dtype: str) -> np.dtype[Any]:
    if not isinstance(dtype, str) or dtype not in ("float64", "float32"):
        raise InputError(f'dtype must be "float64" or "float32", got {dtype!r}.')
    return np.dtype(dtype)
