"""RLlib's PPO learns in a learned world: ``python -m experiments.rllib``.

Needs ``ray[rllib]``. PPO with the settings that RLlib itself publishes for Pendulum-v1 is trained in
``hnn_gym:HNNPendulum-v0``, and never sees the real environment. What it earns there is measured on the way, in
Pendulum-v1 from the starts of the seeds 0 to 99. A training that was stopped is continued from its last checkpoint.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium
import torch
from rich.console import Console

from hnn_gym.command import run
from hnn_gym.errors import InputError
from hnn_gym.studies import Executing, Execution, Results, run_cells

COMMAND = "python -m experiments.rllib"
_REAL, _STARTS = "Pendulum-v1 from known starts", 100
_EARNED = "earned.json"


@dataclass(frozen=True)
class Settings:
    """Train RLlib's PPO in a learned world, and measure what it earns in the real one."""

    out: Path | None = Path("docs/results/rllib.json")
    """JSON file; trainings in it are not repeated. None: keep nothing."""
    environments: tuple[str, ...] = ("hnn_gym:HNNPendulum-v0",)
    """Where it is trained."""
    seeds: tuple[int, ...] = (0,)
    """One training each."""
    steps: int = 400_000
    """Steps of a training; RLlib's own number."""
    measured_every: int = 100
    """Iterations of 1,024 steps between measurements in the real environment."""
    checkpoints: Path = Path("runs/rllib")
    """Folder for the checkpoints of trainings that are not finished."""
    execution: Executing = field(default_factory=Execution)


class StartsInOrder(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Begins episode i with ``reset(seed=i)``, whatever seed it is given, and again after the last start."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._next = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """See :meth:`gymnasium.Env.reset`."""
        number, self._next = self._next, (self._next + 1) % _STARTS
        return self.env.reset(seed=number, options=options)


def configuration(environment: str, seed: int) -> Any:
    """PPO with RLlib's own settings for Pendulum-v1 (``rllib/tuned_examples/ppo/pendulum_ppo.py`` in its repository).

    All 40 environments are in this process, as one vector.
    """
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.connectors.env_to_module import MeanStdFilter
    from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
    from ray.tune import register_env

    register_env(_REAL, lambda _: StartsInOrder(gymnasium.make("Pendulum-v1")))
    return (
        PPOConfig()
        .environment(environment)
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=40,
            env_to_module_connector=lambda env, spaces, device: MeanStdFilter(),
        )
        .training(train_batch_size_per_learner=1024, minibatch_size=128, lr=2e-4, gamma=0.95, lambda_=0.5)
        .rl_module(model_config=DefaultModelConfig(fcnet_activation="relu"))
        .evaluation(
            evaluation_interval=10**9,  # of iterations; there is nothing to evaluate in without a number
            evaluation_num_env_runners=0,
            evaluation_duration=_STARTS,
            evaluation_duration_unit="episodes",
            evaluation_config={"env": _REAL, "explore": False, "num_envs_per_env_runner": 1},
        )
        .debugging(seed=seed, log_level="ERROR")
    )


def trained(environment: str, seed: int, settings: Settings) -> list[dict[str, Any]]:
    """Train with a seed, from the last checkpoint if there is one; returns what was earned on the way."""
    import ray

    torch.set_num_threads(1)
    if not ray.is_initialized():  # not in a cell that Ray computes
        ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    folder = (settings.checkpoints / f"{environment.replace(':', '-')}-{seed}").resolve()
    algorithm = configuration(environment, seed).build_algo()
    try:
        saved = last_checkpoint(folder)
        earned: list[dict[str, Any]] = []
        if saved is not None:
            algorithm.restore_from_path(str(saved))
            earned = json.loads((saved / _EARNED).read_text())
        done = earned[-1]["steps"] if earned else 0
        while done < settings.steps:
            began = time.process_time()
            for _ in range(settings.measured_every):
                done = int(algorithm.train()["env_runners"]["num_env_steps_sampled_lifetime"])
                if done >= settings.steps:
                    break
            seconds = time.process_time() - began
            _share_filter(algorithm)
            real = algorithm.evaluate()["env_runners"]
            earned.append(
                {
                    "steps": done,
                    "cpu_seconds": round(seconds, 1),
                    "mean_return_in_reality": round(float(real["episode_return_mean"]), 2),
                    "worst_return_in_reality": round(float(real["episode_return_min"]), 2),
                }
            )
            before, saved = saved, folder / f"after-{done:09d}"
            aside = folder / f".after-{done:09d}"
            algorithm.save_to_path(str(aside))
            (aside / _EARNED).write_text(json.dumps(earned))
            aside.rename(saved)
            if before is not None:
                shutil.rmtree(before)
    finally:
        algorithm.stop()
    return earned


def _share_filter(algorithm: Any) -> None:
    """Give the evaluation the means and deviations of observations that were seen in training.

    RLlib 2.60 does so itself only where environments are stepped in other processes.
    """
    from ray.rllib.core import COMPONENT_ENV_TO_MODULE_CONNECTOR

    name = COMPONENT_ENV_TO_MODULE_CONNECTOR
    state = algorithm.env_runner_group.local_env_runner.get_state(components=[name])
    algorithm.eval_env_runner_group.local_env_runner.set_state({name: state[name]})


def last_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that is complete."""
    return max(folder.glob("after-*"), default=None)


def main(settings: Settings) -> None:
    """Run the study.

    Raises:
        InputError: RLlib is not installed.
    """
    if find_spec("ray") is None or find_spec("tree") is None:
        raise InputError('RLlib is not installed: pip install "ray[rllib]", in an environment of its own.')
    results, console = Results(settings.out, command=COMMAND), Console()
    cells = {
        f"{environment}/{seed}": partial(trained, environment, seed, settings)
        for environment in settings.environments
        for seed in settings.seeds
    }
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=console)
    for name in cells:
        last = results[name][-1]
        real = f"mean {last['mean_return_in_reality']:.1f}, worst {last['worst_return_in_reality']:.1f}"
        console.print(name, f"{last['steps']:,} steps: {real} in Pendulum-v1")


if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.rllib")
