"""Evaluate an agent: whole episodes from shared starts, their returns R = sum_t r_t, and the regret R* - R.

All starts are stepped together, and one call of ``predict`` gives the actions of all of them, so that a step of a
batched planner or network costs one call. The starts of Pendulum-v1 differ so much (standard deviation of the return:
74) that only the *paired* regret, on the same starts, compares agents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import SyncVectorEnv, VectorEnv

from hnn_gym.errors import InputError, checked_arguments

Space = gymnasium.Space[Any]
MakeEnv = Callable[[], gymnasium.Env[Any, Any]]
"""Makes one environment, such as ``lambda: gymnasium.make("Pendulum-v1")``."""


class Policy(Protocol):
    """An object with the method ``predict`` of stable-baselines3."""

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(n, k)`` for observations ``(n, d)``, and the policy's state.

        Whole-number actions of a Discrete space are ``(n,)``.

        Where ``episode_start`` ``(n,)`` is True, the policy must forget what it remembers of that row.
        """


@dataclass(frozen=True)
class Episodes:
    """One whole episode from each of n starts, padded to the longest, T steps.

    Attributes:
        observation: ``(T + 1, n, d)``.
        action: ``(T, n, k)``, or ``(T, n)`` of a Discrete space.
        reward: ``(T, n)``, 0 where the episode is over.
        running: bool ``(T, n)``, whether the step belongs to the episode.
    """

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    running: np.ndarray

    @property
    def returns(self) -> np.ndarray:
        """Sum of rewards of every episode ``(n,)``."""
        return self.reward.sum(axis=0)

    @property
    def lengths(self) -> np.ndarray:
        """Steps of every episode ``(n,)``."""
        return self.running.sum(axis=0)


@checked_arguments
def play_episodes(
    policy: Policy,
    env: str | MakeEnv,
    *,
    seeds: Sequence[int] = range(100),
    env_kwargs: Mapping[str, Any] | None = None,
    max_steps: int | None = None,
) -> Episodes:
    """Play one episode from every start ``reset(seed=s)``, all of them side by side, deterministically.

    Args:
        policy: an object with the method ``predict``; its memory is reset at the start of an episode.
        env: the id of an environment (``module:Id-v0`` imports the module first), or a function that makes one.
        seeds: of the starts. Copies of an environment of this package start where the single environment does.
        env_kwargs: arguments for ``gymnasium.make``, such as ``{"world_model": "runs/x"}`` for "HNN-v0".
        max_steps: cut episodes after this many steps; None: play to their end.

    Raises:
        InputError: there are no seeds, no such environment, or the policy's spaces or actions do not fit it.
        ConvergenceError: a world reached numbers that are not finite.
    """
    if len(seeds) == 0:
        raise InputError("There are no starts: give at least one seed.")
    envs = _made(env, len(seeds), dict(env_kwargs or {}))
    try:
        own = getattr(policy, "observation_space", None), getattr(policy, "action_space", None)
        if None not in own:  # a policy of stable-baselines3 knows the spaces that it was trained for
            check_fit(own, (envs.single_observation_space, envs.single_action_space))  # type: ignore[arg-type]
        return _played(policy, envs, [int(seed) for seed in seeds], max_steps)
    finally:
        envs.close()


def episode_returns(
    policy: Policy,
    env: str | MakeEnv,
    *,
    seeds: Sequence[int] = range(100),
    env_kwargs: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Returns ``(n,)`` of one episode from every start; arguments and errors as in :func:`play_episodes`.

    Example:
        >>> from hnn_gym.agents.evaluate import episode_returns
        >>> episode_returns(agent, "Pendulum-v1", seeds=range(100)).mean()  # doctest: +SKIP
    """
    return play_episodes(policy, env, seeds=seeds, env_kwargs=env_kwargs).returns


@checked_arguments
def paired_regret(returns: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Regret of each start, best - returns ``(n,)``.

    Args:
        returns: of the agent ``(n,)``.
        best: the best returns known from the same starts ``(n,)``.

    Raises:
        InputError: the two have different shapes.
    """
    returns, best = np.asarray(returns), np.asarray(best)
    if returns.shape != best.shape:
        raise InputError(
            f"Regret compares returns start by start, and returns {returns.shape} do not match best returns "
            f"{best.shape}: evaluate both on the same starts."
        )
    return np.asarray(best - returns)


def checked_action(action: Any, shape: tuple[int, ...] | None, observation: np.ndarray) -> np.ndarray:
    """Return a policy's action as an array, which must have ``shape``.

    Raises:
        InputError: it has another shape.
    """
    array = np.asarray(action)
    if array.shape != shape:
        raise InputError(
            f"The policy returned actions of shape {array.shape} for observations {observation.shape}, and this "
            f"environment needs {shape}: the policy belongs to another task."
        )
    return array


def check_fit(own: tuple[Space, Space], here: tuple[Space, Space]) -> None:
    """Refuse a policy whose spaces are not those of the environment, each (observations, actions).

    Raises:
        InputError: observations or actions have another shape, or the actions have other bounds or other values.
    """
    if own[0].shape != here[0].shape:
        raise InputError(
            f"The policy needs observations of shape {own[0].shape}, and the environment gives {here[0].shape}."
        )
    done, allowed = own[1], here[1]
    if isinstance(done, Box) and isinstance(allowed, Box):  # bounds may have been rounded to float32
        same = done.shape == allowed.shape and all(
            np.allclose(getattr(done, end), getattr(allowed, end)) for end in ("low", "high")
        )
    else:
        same = done == allowed
    if not same:
        raise InputError(f"The policy's actions lie in {done}, and those of the environment in {allowed}.")


def _made(env: str | MakeEnv, count: int, env_kwargs: dict[str, Any]) -> VectorEnv[Any, Any, Any]:
    """The copies: of our environments one batch, of others single ones, since other batches seed copies differently."""
    if not isinstance(env, str):
        return SyncVectorEnv([env] * count)
    try:
        with gymnasium.make(env, **env_kwargs) as made:  # gymnasium.spec would not import the module of "module:Id-v0"
            spec = made.spec
        if spec is not None and str(spec.vector_entry_point).startswith("hnn_gym."):
            return gymnasium.make_vec(env, count, vectorization_mode="vector_entry_point", **env_kwargs)
        return SyncVectorEnv([lambda: gymnasium.make(env, **env_kwargs)] * count)
    except (gymnasium.error.Error, ImportError, TypeError) as error:
        raise InputError(f"The environment {env!r} cannot be made: {error}") from error


def _played(policy: Policy, envs: VectorEnv[Any, Any, Any], seeds: list[int], max_steps: int | None) -> Episodes:
    space = envs.action_space
    observation, _ = envs.reset(seed=seeds)  # type: ignore[arg-type]  # a list of seeds is Gymnasium's own interface
    running, begins = np.ones(len(seeds), bool), np.ones(len(seeds), bool)
    observations, actions, memory = [np.array(observation)], [], None
    rewards: list[np.ndarray] = []
    ran: list[np.ndarray] = []
    while running.any() and (max_steps is None or len(ran) < max_steps):
        action, memory = policy.predict(observations[-1], state=memory, episode_start=begins, deterministic=True)
        action = checked_action(action, space.shape, observations[-1])
        observation, reward, terminated, truncated, _ = envs.step(action.astype(space.dtype))
        observations.append(np.array(observation))
        actions.append(action)
        rewards.append(np.where(running, reward, 0.0))
        ran.append(running)
        # A copy that has ended starts another episode in the next step, which is not counted.
        begins = np.asarray(terminated | truncated)
        running = running & ~begins
    return Episodes(np.array(observations), np.array(actions), np.array(rewards), np.array(ran))
