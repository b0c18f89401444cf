"""Compare an agent in its learned world (the dream) with the same agent in the real environment.

The gap of a start is R_dream - R_real: the return that the dream promised and the real environment did not pay. Every
dreamt episode begins at the first observation of the real episode that it is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from hnn_gym.agents.evaluate import Episodes, MakeEnv, Policy, checked_action, play_episodes
from hnn_gym.envs.checks import whole_numbers
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import ConvergenceError, InputError, checked_arguments
from hnn_gym.evaluation.metrics import unforced
from hnn_gym.training import observation_scale

HORIZONS = (1, 10, 50)
_LIMIT = "_max_episode_steps"  # of Gymnasium's TimeLimit
_STRIDE = 5
_DRIFT_STEPS = 1000


@dataclass(frozen=True)
class Transfer:
    """The episodes of one agent in the dream and in the real environment, start by start.

    Attributes:
        real: the real episodes.
        dream: the dreamt episodes from the same first observations.
        errors: H -> RMS error of the dream's prediction H steps ahead along the real episodes ``(N,)``, in units of
            the scale of each observation entry; without the H for which every episode is too short.
        energy_change: "dream" and "real" -> largest change of the *true* energy in J along unforced motions from the
            starts ``(n,)``; empty if the true physics of the world is not known.
        energy_steps: length of those motions.
    """

    real: Episodes
    dream: Episodes
    errors: Mapping[int, np.ndarray] = field(default_factory=dict)
    energy_change: Mapping[str, np.ndarray] = field(default_factory=dict)
    energy_steps: int = _DRIFT_STEPS

    @property
    def gap(self) -> np.ndarray:
        """R_dream - R_real of every start ``(n,)``."""
        return self.dream.returns - self.real.returns

    def numbers(self) -> dict[str, Any]:
        """Return all measurements as JSON values."""
        return {
            "real_return": _summary(self.real.returns),
            "imagined_return": _summary(self.dream.returns),
            "gap": {"mean": self.gap.mean(), "largest": np.abs(self.gap).max()},
            "prediction_error": {
                str(horizon): {"median": np.median(error), "worst": error.max()}
                for horizon, error in self.errors.items()
            },
            "true_energy_change_J": {
                name: {"steps": self.energy_steps, "median": np.median(change), "worst": change.max()}
                for name, change in self.energy_change.items()
            },
        }


@checked_arguments
def measure_transfer(
    policy: Policy,
    simulator: Simulator,
    env: str | MakeEnv,
    *,
    seeds: Sequence[int] = range(100),
    env_kwargs: Mapping[str, Any] | None = None,
) -> Transfer:
    """Play real and dreamt episodes from the same starts, and test the dream along the real trajectories.

    Args:
        policy: an object with the method ``predict``.
        simulator: the dream: a learned world and its task.
        env: the real environment, as for :func:`hnn_gym.agents.evaluate.play_episodes`.
        seeds: of the starts.
        env_kwargs: arguments for the real environment.

    Raises:
        InputError: the policy, the world and the environment do not fit each other.
        ConvergenceError: a dream reached numbers that are not finite.
    """
    real = play_episodes(policy, env, seeds=seeds, env_kwargs=env_kwargs)
    world = simulator.world
    size = world.coordinates.observation_size + simulator.task.goal_size
    if real.observation.shape[-1] != size:
        raise InputError(
            f"The environment's observations have {real.observation.shape[-1]} entries and the world's {size}: this "
            "world was learned from another system."
        )
    dream = dream_episodes(policy, simulator, real.observation[0], steps=_length(env, env_kwargs, real))
    change = {}
    if simulator.truth is not None:
        q, v = world.coordinates.state(np.asarray(real.observation[0], np.float64))
        for name, moved in (("dream", world), ("real", simulator.truth)):
            change[name] = unforced(moved, simulator.truth, q, v, steps=_DRIFT_STEPS).largest_change
    return Transfer(real, dream, prediction_errors(simulator, real), change)


def dream_episodes(policy: Policy, simulator: Simulator, start: np.ndarray, *, steps: int) -> Episodes:
    """Play one episode of a simulator, of at most ``steps`` steps, from every observation ``(n, d)`` of ``start``.

    Raises:
        InputError: the actions of the policy do not fit.
        ConvergenceError: a dream reached numbers that are not finite.
    """
    space, dtype = simulator.channel.space(simulator.task), simulator.task.observation_space.dtype
    x = simulator.world.encode(np.asarray(start, np.float64))
    running, begins, memory = np.ones(len(start), bool), np.ones(len(start), bool), None
    observations, actions = [np.asarray(start, dtype)], []
    rewards: list[np.ndarray] = []
    ran: list[np.ndarray] = []
    while running.any() and len(ran) < steps:
        action, memory = policy.predict(observations[-1], state=memory, episode_start=begins, deterministic=True)
        action = checked_action(action, (len(start), *(space.shape or ())), observations[-1])
        with np.errstate(all="ignore"):  # dreams that have ended are stepped too, and their results are not used
            transition = simulator.transition(x, _vectors(simulator, action), len(ran) * abs(simulator.world.dt))
        if not np.isfinite(transition.x[running]).all():
            raise ConvergenceError(f"The dream reached numbers that are not finite after {len(ran)} steps.")
        x = np.where(running[:, None], transition.x, x)
        t = (len(ran) + 1) * abs(simulator.world.dt)
        observations.append(simulator.observation(*simulator.world.state(x), t).astype(dtype))
        actions.append(action)
        rewards.append(np.where(running, transition.reward, 0.0))
        ran.append(running)
        running, begins = running & ~transition.terminated, np.zeros(len(start), bool)
    return Episodes(np.array(observations), np.array(actions), np.array(rewards), np.array(ran))


def prediction_errors(
    simulator: Simulator, real: Episodes, horizons: Sequence[int] = HORIZONS
) -> dict[int, np.ndarray]:
    """Measure the error of the dream's prediction H steps ahead along real episodes, under the agent's own actions.

    The dream answers an action as it does in training. Where the action is an energy bump, the error therefore
    includes the difference between the dream's answer and that of bounded force in the real environment.

    Returns:
        H -> ``(N,)``, the RMS over the entries of (predicted - observed) / scale, for every fifth step of every
        episode that has H steps left; inf where the dream is not finite.
    """
    world, found = simulator.world, {}
    observation = real.observation[..., : world.coordinates.observation_size]  # without the goal
    scale = observation_scale(world.coordinates, observation[:-1][real.running])
    for horizon in horizons:
        starts = [
            (step, copy)
            for copy, length in enumerate(real.lengths)
            for step in range(0, int(length) - horizon + 1, _STRIDE)
        ]
        if not starts:
            continue
        steps, copies = (np.array(part) for part in zip(*starts, strict=True))
        x = world.encode(np.asarray(observation[steps, copies], np.float64))
        with np.errstate(all="ignore"):
            for ahead in range(horizon):
                x = simulator.transition(x, _vectors(simulator, real.action[steps + ahead, copies])).x
            error = (world.decode(x) - observation[steps + horizon, copies]) / scale
            found[horizon] = np.nan_to_num(np.sqrt(np.mean(error**2, axis=-1)), nan=np.inf)
    return found


def _vectors(simulator: Simulator, action: np.ndarray) -> np.ndarray:
    """Action vectors ``(n, k)`` of actions ``(n, k)``, or of whole numbers ``(n, ...)``.

    Raises:
        InputError: the actions are not of the space.
    """
    space = simulator.channel.space(simulator.task)
    if isinstance(space, Box):
        return np.asarray(action, np.float64)
    return np.asarray(simulator.action_vector(whole_numbers(action, space, (len(action),))), np.float64)


def _length(env: str | MakeEnv, env_kwargs: Mapping[str, Any] | None, real: Episodes) -> int:
    """The steps after which an episode of the real environment is cut, for the dream as well.

    Where it does not say, the longest episode that was played.
    """
    made = gymnasium.make(env, **(env_kwargs or {})) if isinstance(env, str) else env()
    with made:
        limit = made.get_wrapper_attr(_LIMIT) if made.has_wrapper_attr(_LIMIT) else None
    return limit if isinstance(limit, int) else len(real.action)


def _summary(returns: np.ndarray) -> dict[str, Any]:
    return {"mean": returns.mean(), "worst": returns.min(), "each": returns}
