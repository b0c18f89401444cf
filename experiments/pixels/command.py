"""The pixel pendulum, from film to control: ``python -m experiments.pixels --out docs/results/pixels.json``.

For each of several recordings the command films Pendulum-v1 under random torque; learns an HNN and two networks without
physics from the frames, by one method; forecasts unforced motion a thousand steps ahead, forward and backward, and
measures how canonical the latent is; bumps the learned H; plans, and trains an agent of stable-baselines3, in the dream
alone, and lets both act in the real Pendulum-v1 from frames alone. If it is interrupted, the same command measures what
is missing.
"""

from __future__ import annotations

import time
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import gymnasium
import numpy as np
import torch
from rich.console import Console

from experiments.pixels import control, figures, worlds
from experiments.pixels.cells import Shots, cells_of, real_forecast
from experiments.pixels.summary import table
from hnn_gym.data.json_values import plain
from hnn_gym.errors import InputError
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.worlds.pixel_world import PixelWorld

COMMAND = "python -m experiments.pixels"
_SHARED = ("steps", "size", "motions", "horizon", "context", "starts", "learning")


@dataclass(frozen=True)
class Settings:
    """Learn Pendulum-v1 from its frames, forecast, and act from frames."""

    out: Path | None = None
    """JSON file for the results, from which an interrupted run resumes; None only prints them."""
    runs: Path = Path("runs/pixels")
    """Folder of the learned worlds; existing ones are not learned again."""
    pictures: Path | None = None
    """Folder for the figures, of the first recording; None draws none."""
    weights: Path | None = None
    """Folder for the worlds of the first recording, under the ids of the shipped ones; None keeps none."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the recordings; agents have the seed of their recording."""
    models: tuple[str, ...] = tuple(worlds.MODELS)
    """Who is measured."""
    agents: tuple[str, ...] = ("plan", "sac")
    """Agents: plan, the best policy of the dream; or an algorithm of stable-baselines3, trained in it."""
    acting: tuple[str, ...] = ("HNN", "second-order network")
    """In whose dreams."""
    steps: int = 4000
    """Real steps to learn from, in episodes of 200."""
    size: int = 64
    """Rows and columns of a frame."""
    motions: int = 20
    """Unforced motions to forecast."""
    horizon: int = 1000
    """Steps to forecast."""
    context: int = 50
    """Steps between the frames from which the state is estimated, beside the estimate from two frames."""
    starts: int = 100
    """Starts of the real pendulum: reset(seed=0), reset(seed=1), ..."""
    learning: PixelSettings = field(default_factory=PixelSettings)
    """Settings of the training, the same for all models."""
    execution: Executing = field(default_factory=Execution)

    def __post_init__(self) -> None:
        """Check the names."""
        for name in (*self.models, *self.acting):
            if name not in worlds.MODELS:
                raise InputError(f"There is no model {name!r}: choose from {', '.join(worlds.MODELS)}.")
        for name in self.agents:
            if name not in control.AGENTS:
                raise InputError(f"There is no agent {name!r}: choose from {', '.join(control.AGENTS)}.")

    @property
    def shots(self) -> Shots:
        """The film of unforced motion."""
        return Shots(self.size, self.motions, self.horizon, self.context)

    def folder(self, seed: int, name: str) -> Path:
        """Where the world that a model learned from a recording lies."""
        return self.runs / str(seed) / worlds.MODELS[name][0].model


def study(settings: Settings, console: Console) -> Results:
    """Learn the worlds, then make all measurements.

    Raises:
        InputError: the results were measured with other settings.
    """
    results = Results(settings.out, command=COMMAND)
    about = {name: plain(value) for name, value in asdict(settings).items() if name in _SHARED}
    if "settings" in results and results["settings"] != about:
        raise InputError(f"{settings.out} was measured with {results['settings']}: give another --out.")
    results["settings"] = about
    with settings.execution.opened() as executor:
        _learn(settings, results, executor, console)
        cells: dict[str, Cell] = {"forecasts/real": partial(real_forecast, settings.shots)}
        for seed in settings.seeds:
            for name in settings.models:
                cells |= cells_of(
                    settings.shots,
                    settings.folder(seed, name),
                    f"{seed}/{name}",
                    offset=_offset(results, seed, name),
                    seed=seed,
                    starts=settings.starts,
                    agents=settings.agents if name in settings.acting else (),
                )
        run_cells(results, cells, executor=executor, console=console)
    _show(settings, results, settings.seeds[0])
    return results


def _learn(settings: Settings, results: Results, executor: Executor | None, console: Console) -> None:
    """Learn the worlds that are not in their folders; facts about them are results."""
    missing: dict[str, Cell] = {}
    for seed in settings.seeds:
        for name in settings.models:
            key, folder = f"learning/{seed}/{name}", settings.folder(seed, name)
            if key not in results or worlds.kept(folder, results[key]) is None:
                missing[key] = partial(
                    worlds.learn,
                    name,
                    folder,
                    steps=settings.steps,
                    size=settings.size,
                    seed=seed,
                    learning=settings.learning,
                    report=print,
                )
    run_cells(Results(None, command=COMMAND), missing, executor=executor, report=results.__setitem__, console=console)


def _offset(results: Results, seed: int, name: str) -> float:
    """The true angle of the origin of a learned latent."""
    return float(results[f"learning/{seed}/{name}"]["origin_rad"])


def _show(settings: Settings, results: Results, seed: int) -> None:
    """Measure rates, and write weights and figures, of one recording."""
    shown = {name: PixelWorld.load(settings.folder(seed, name)) for name in settings.models}
    if "HNN" in shown and "stepping" not in results:  # not in a process beside others
        results["stepping"] = rates(shown["HNN"])
    if settings.weights is not None:
        for name, seen in shown.items():
            env_id = worlds.MODELS[name][1]
            if env_id is not None:
                seen.save(settings.weights / env_id, overwrite=True)
    if settings.pictures is not None:
        offsets = {name: _offset(results, seed, name) for name in shown}
        dataset, _ = worlds.recorded(settings.steps, settings.size, seed)
        figures.draw(shown, dataset, settings.shots.film, offsets, settings.pictures, context=settings.context)


def rates(seen: PixelWorld, *, num_envs: int = 256, repeats: int = 40) -> dict[str, float]:
    """Steps per second of a vector of dreams, by the clock; a busy machine disturbs the best least."""
    measured: dict[str, float] = {"num_envs": num_envs}
    for observation in ("latent", "pixels"):
        envs = gymnasium.make_vec(
            "HNNPixelPendulum-v0", num_envs=num_envs, world_model=seen, observation=observation, stack=1
        )
        envs.reset(seed=0)
        actions = np.random.default_rng(0).uniform(-2, 2, (num_envs, 1))
        seconds = []
        for _ in range(repeats):
            began = time.perf_counter()
            envs.step(actions)
            seconds.append(time.perf_counter() - began)
        measured[f"{observation}_steps_per_second_median"] = round(num_envs / float(np.median(seconds)))
        measured[f"{observation}_steps_per_second_best"] = round(num_envs / min(seconds))
        envs.close()
    return measured


def main(settings: Settings) -> None:
    """Run the experiment."""
    torch.set_num_threads(1)
    console = Console()
    results = study(settings, console)
    console.print(table(results))
