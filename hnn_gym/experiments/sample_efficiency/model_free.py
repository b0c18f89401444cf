"""What model-free agents earn after as many real steps: SAC, TD3 and PPO of stable-baselines3, settings of the Zoo."""

from __future__ import annotations

from collections.abc import Sequence

import gymnasium
from rich.console import Console

from hnn_gym.agents.evaluate import Policy, episode_returns
from hnn_gym.agents.sb3_real import PENDULUM, learn_for_real
from hnn_gym.experiments.results import Results

MILESTONES = {
    "SAC": (1_000, 2_000, 5_000, 10_000, 20_000),
    "TD3": (5_000, 10_000, 15_000, 20_000),
    "PPO": (20_000, 50_000, 100_000),
}
"""Real steps after which each is measured. Half of TD3's published run is random exploration."""


def model_free(
    results: Results,
    *,
    seeds: Sequence[int],
    starts: Sequence[int],
    milestones: dict[str, tuple[int, ...]] | None = None,
    console: Console,
) -> None:
    """Train each on the real Pendulum-v1, exact observations, and keep its returns from the shared starts.

    A run that was stopped begins anew; one that is done is not made again.
    """
    for name, steps in (MILESTONES if milestones is None else milestones).items():
        for seed in seeds:
            keys = {count: f"model-free/{name}/{count}/{seed}" for count in steps}
            if all(key in results for key in keys.values()):
                continue
            found: dict[str, list[float]] = {}

            def measure(
                count: int, agent: Policy, keys: dict[int, str] = keys, found: dict[str, list[float]] = found
            ) -> None:
                returns = episode_returns(agent, "Pendulum-v1", seeds=starts)
                found[keys[count]] = returns.round(4).tolist()
                console.print(keys[count], round(float(returns.mean()), 2))

            learn_for_real(
                lambda: gymnasium.make("Pendulum-v1"), PENDULUM[name], milestones=steps, seed=seed, report=measure
            )
            for key, returns in found.items():
                results[key] = returns
