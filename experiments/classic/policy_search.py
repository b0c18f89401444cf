"""Search for a linear policy in a dream: a = clip(W o + b), by the cross-entropy method over W and b.

A gait is worth what a whole episode of it earns, which single steps hardly show. A linear policy has few numbers, a
dream plays many of them side by side, and their returns are all that the search needs.

Source: Mannor, Rubinstein, Gat, *The cross entropy method for fast policy search*, ICML 2003; that linear policies are
enough for gaits: Rajeswaran et al., *Towards generalization and simplicity in continuous control*, NeurIPS 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.vector import SimulatorVectorEnv
from hnn_gym.worlds.world_model import WorldModel


@dataclass(frozen=True)
class SearchRecipe:
    """How a linear policy is searched.

    Attributes:
        policies: how many are drawn at a time.
        kept: the share of them that the next are drawn around.
        rounds: how often they are drawn.
        short: steps of an episode in the first half of the rounds.
        steps: steps of an episode in the second half.
        std: standard deviation of the first numbers.
        least: what it does not fall below.
    """

    policies: int = 64
    kept: float = 0.15
    rounds: int = 30
    short: int = 300
    steps: int = 1000
    std: float = 1.0
    least: float = 0.02


@dataclass(frozen=True)
class LinearPolicy:
    """a = clip(W o + b) in the range of the actions.

    Attributes:
        weights: [W, b] ``(..., m, d + 1)``.
        low: smallest actions ``(m,)``.
        high: largest actions ``(m,)``.
    """

    weights: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, None]:
        """Return actions ``(..., m)`` for observations ``(..., d)``."""
        seen = np.asarray(observation, np.float64)
        wanted = (self.weights[..., :-1] * seen[..., None, :]).sum(-1) + self.weights[..., -1]
        return np.clip(wanted, self.low, self.high).astype(np.float32), None


def searched(world: WorldModel, recipe: SearchRecipe, *, seed: int) -> LinearPolicy:
    """The policy around which the last ones were drawn.

    Args:
        world: the dream, with its own task.
        recipe: of the search.
        seed: of the policies and of the starts.
    """
    rng = np.random.default_rng(seed)
    envs = SimulatorVectorEnv(world, num_envs=recipe.policies, max_episode_steps=-1)
    actions, observations = envs.single_action_space, envs.single_observation_space
    assert isinstance(actions, Box)
    assert observations.shape is not None
    low, high = np.asarray(actions.low, np.float64), np.asarray(actions.high, np.float64)
    shape = len(low), observations.shape[0] + 1
    mean, std = np.zeros(shape), np.full(shape, recipe.std)
    best = max(int(recipe.kept * recipe.policies), 2)
    for number in range(recipe.rounds):
        drawn = mean + std * rng.normal(size=(recipe.policies, *shape))
        steps = recipe.short if number < recipe.rounds // 2 else recipe.steps
        returns = _returns(envs, LinearPolicy(drawn, low, high), steps, seed=int(rng.integers(2**31)))
        elite = drawn[np.argsort(-returns)[:best]]
        mean, std = elite.mean(axis=0), np.maximum(elite.std(axis=0), recipe.least)
    envs.close()
    return LinearPolicy(mean, low, high)


def _returns(envs: SimulatorVectorEnv, policies: LinearPolicy, steps: int, *, seed: int) -> np.ndarray:
    """What each policy earns in an episode of a dream ``(N,)``."""
    returns = np.zeros(len(policies.weights))
    observation, _ = envs.reset(seed=seed)
    going = np.ones(len(returns), bool)
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = envs.step(policies.predict(observation)[0])
        returns += np.where(going, reward, 0.0)
        going &= ~(terminated | truncated)
    return returns
