"""The loop of model-based reinforcement learning: act, learn the world, train in the dream, and act again.

The first recording holds random actions. In every round, worlds are learned from all recordings so far, an agent is
made in them alone, and it acts for one real episode. The return of that episode is its score, and the episode is
recorded too, so that the next world covers the states that such an agent visits.
Source: Sutton, *Dyna, an integrated architecture for learning, planning, and reacting*, SIGART Bulletin 2 (1991)
160-163.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.agents.evaluate import Policy
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.errors import InputError, check_fields, checked_arguments
from hnn_gym.worlds.world_model import WorldModel

Learner = Callable[[TransitionDataset], Sequence[WorldModel]]
"""Learns one world or an ensemble from a recording."""
Dreamer = Callable[[Sequence[WorldModel], int, TransitionDataset], Policy]
"""Makes an agent in worlds, given how many steps a dream may take and the recording, whose states it may begin at."""


@dataclass(frozen=True)
class DynaSettings:
    """When to record, and when to stop."""

    first_steps: int = 50
    """Real transitions under random actions, before the first world."""
    rounds: int = 5
    """Largest number of rounds."""
    horizons: tuple[int, ...] = (200,)
    """Largest length of a dream in each round, short while data are few; the last holds for all later rounds."""
    solved: float | None = None
    """Stop after a round whose real episode earns as much; None: after all rounds."""
    seed: int = 0
    """Of the recordings."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_fields(self)
        if self.first_steps < 1 or self.rounds < 1 or not self.horizons or min(self.horizons) < 1:
            raise InputError(f"Dyna needs first_steps, rounds and horizons of at least 1, not {self}.")


@dataclass(frozen=True)
class Round:
    """One round of the loop.

    Attributes:
        real_steps: transitions that the worlds of this round were learned from.
        earned: return of the agent's real episode.
        worlds: the learned worlds.
        agent: the agent that was made in them.
    """

    real_steps: int
    earned: float
    worlds: tuple[WorldModel, ...]
    agent: Policy


@checked_arguments
def dyna(
    env: gymnasium.Env[Any, Any],
    train: Learner,
    dream: Dreamer,
    *,
    settings: DynaSettings | None = None,
    coordinates: dict[str, Any] | None = None,
    report: Callable[[Round], None] | None = None,
) -> list[Round]:
    """Run the loop in a real environment.

    Example:
        >>> from hnn_gym import train_world
        >>> from hnn_gym.agents.sampling import SamplingPlanner
        >>> rounds = dyna(  # doctest: +SKIP
        ...     gymnasium.make("Pendulum-v1"),
        ...     lambda data: [train_world(data, "mechanical")],
        ...     lambda worlds, horizon, data: SamplingPlanner(build_simulator(worlds[0]), horizon=min(horizon, 40)),
        ... )

    Args:
        env: the real environment; left open.
        train: from a recording to worlds.
        dream: from worlds to an agent.
        settings: when to record, and when to stop.
        coordinates: of its observations, if the package does not know them.
        report: called after every round.

    Returns:
        The rounds, in order.

    Raises:
        InputError: the environment cannot be recorded.
    """
    settings = settings or DynaSettings()
    known = {"coordinates": coordinates}
    recorded = record_steps(env, steps=settings.first_steps, seed=settings.seed, **known)  # type: ignore[arg-type]
    rounds: list[Round] = []
    for number in range(settings.rounds):
        worlds = tuple(train(recorded))
        horizon = settings.horizons[min(number, len(settings.horizons) - 1)]
        agent = dream(worlds, horizon, recorded)
        episode = record_episode(env, agent, seed=settings.seed + 1 + number, coordinates=coordinates)
        rounds.append(Round(recorded.num_steps, float(episode.episode(0).reward.sum()), worlds, agent))
        if report is not None:
            report(rounds[-1])
        if settings.solved is not None and rounds[-1].earned >= settings.solved:
            break
        recorded = TransitionDataset.from_episodes([*recorded, *episode], recorded.provenance)
    return rounds


def record_episode(
    env: gymnasium.Env[Any, Any], agent: Policy, *, seed: int, coordinates: dict[str, Any] | None = None
) -> TransitionDataset:
    """Record one whole episode of an agent.

    Raises:
        InputError: the environment does not state how long its episodes are.
    """
    limit = None if env.spec is None else env.spec.max_episode_steps
    if limit is None:
        raise InputError("This environment does not state how long an episode is: wrap it in a TimeLimit.")
    memory: Any = None
    start = True

    def act(observation: np.ndarray, _: np.random.Generator) -> np.ndarray:
        nonlocal memory, start
        action, memory = agent.predict(observation[None], memory, np.array([start]), deterministic=True)
        start = False
        return np.asarray(action[0])

    return record_steps(env, steps=limit, policy=act, seed=seed, coordinates=coordinates).select([0])
