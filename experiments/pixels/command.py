"""The pixel pendulum, from film to control: ``python -m experiments.pixels --out docs/results/pixels.json``.

For each of several recordings: films Pendulum-v1 under random torque; learns an HNN and two networks without physics
from the frames, by one method; forecasts unforced motion a thousand steps ahead, forward and backward, and tells how
canonical the latent is; bumps the learned H; plans, and trains an agent of stable-baselines3, in the dream alone, and
lets both act in the real Pendulum-v1 from frames alone. Interrupted, the same command goes on with what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console

from experiments.pixels import bumps, canonical, control, figures, films, forecasts, worlds
from experiments.pixels.summary import table
from experiments.results import Results
from hnn_gym.data.json_values import plain
from hnn_gym.errors import InputError
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.worlds.pixel_world import PixelWorld

EXPERIMENT = "pixels"
_FIRST_FILM_SEED = 1000
_SHARED = ("steps", "size", "motions", "horizon", "context", "starts", "learning")


@dataclass(frozen=True)
class Settings:
    """Learn Pendulum-v1 from its frames, forecast, and act from frames."""

    out: Path | None = None
    """JSON file for the results, and to go on from; None only prints them."""
    runs: Path = Path("runs/pixels")
    """Folder of the learned worlds; those that are there are not learned anew."""
    pictures: Path | None = None
    """Folder for the figures, of the first recording; None draws none."""
    weights: Path | None = None
    """Folder for the worlds of the first recording, under the ids they are shipped by; None keeps none."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of the recordings; agents have the seed of their recording."""
    models: tuple[str, ...] = tuple(worlds.MODELS)
    """Who is measured."""
    agents: tuple[str, ...] = ("plan", "sac")
    """Who acts: plan, the best policy of the dream; or an algorithm of stable-baselines3, trained in it."""
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
    """Of the training, the same for all models."""

    def __post_init__(self) -> None:
        """Check the names."""
        for name in (*self.models, *self.acting):
            if name not in worlds.MODELS:
                raise InputError(f"There is no model {name!r}: choose from {', '.join(worlds.MODELS)}.")
        for name in self.agents:
            if name not in control.AGENTS:
                raise InputError(f"There is no agent {name!r}: choose from {', '.join(control.AGENTS)}.")


class Study:
    """The measurements, each kept at once under a key such as ``forecasts/0/HNN``."""

    def __init__(self, settings: Settings, console: Console) -> None:
        """Open the results.

        Raises:
            InputError: they are of other settings.
        """
        self.settings, self.console = settings, console
        self.results = Results(settings.out, experiment=EXPERIMENT)
        about = {name: plain(value) for name, value in asdict(settings).items() if name in _SHARED}
        if "settings" in self.results and self.results["settings"] != about:
            raise InputError(f"{settings.out} was measured with {self.results['settings']}: give another --out.")
        self.results["settings"] = about

    @cached_property
    def film(self) -> films.Film:
        """Unforced motion, the same for all."""
        self.console.print("filming unforced motion")
        length = self.settings.horizon + self.settings.context
        return films.film_unforced(
            films.rule_of(self.settings.size),
            episodes=self.settings.motions,
            steps=length,
            first_seed=_FIRST_FILM_SEED,
        )

    def measured(self, key: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What is known under ``key``, from ``work`` where it is not."""
        if key not in self.results:
            began = time.process_time()
            self.results[key] = work()
            self.console.print(f"{key}: {time.process_time() - began:.0f} CPU s")
        told: dict[str, Any] = self.results[key]
        return told

    def world(self, seed: int, name: str) -> PixelWorld:
        """The world that a model learned from a recording."""
        kept, key = self._folder(seed, name), f"learning/{seed}/{name}"
        seen = worlds.kept(kept, self.results[key]) if key in self.results else None
        if seen is None:
            self.console.print(f"[bold]recording {seed}, {name}")
            settings = self.settings
            self.results[key] = worlds.learn(
                name,
                kept,
                steps=settings.steps,
                size=settings.size,
                seed=seed,
                learning=settings.learning,
                report=self.console.print,
            )
            seen = PixelWorld.load(kept)
        return seen

    def offset(self, seed: int, name: str) -> float:
        """The true angle of the origin of a learned latent."""
        return float(self.results[f"learning/{seed}/{name}"]["origin_rad"])

    def _folder(self, seed: int, name: str) -> Path:
        return self.settings.runs / str(seed) / worlds.MODELS[name][0].model


def study(settings: Settings, console: Console) -> Results:
    """All measurements, those of one recording after the other."""
    told = Study(settings, console)
    for seed in settings.seeds:
        for name in settings.models:
            _measure(told, seed, name)
        if seed == settings.seeds[0]:
            _show(told, seed)
    told.measured("forecasts/real", lambda: forecasts.measure_real(told.film, **_span(settings)))
    return told.results


def _show(told: Study, seed: int) -> None:
    """Rates, weights and figures, of one recording."""
    settings = told.settings
    shown = {name: told.world(seed, name) for name in settings.models}
    if "HNN" in shown:
        told.measured("stepping", lambda: rates(shown["HNN"]))
    if settings.weights is not None:
        for name, seen in shown.items():
            env_id = worlds.MODELS[name][1]
            if env_id is not None:
                seen.save(settings.weights / env_id, overwrite=True)
    if settings.pictures is not None:
        offsets = {name: told.offset(seed, name) for name in shown}
        dataset, _ = worlds.recorded(settings.steps, settings.size, seed)
        figures.draw(shown, dataset, told.film, offsets, settings.pictures, context=settings.context)


def _span(settings: Settings) -> dict[str, int]:
    return {"context": settings.context, "steps": settings.horizon}


def _measure(told: Study, seed: int, name: str) -> None:
    """Everything about one model and one recording."""
    settings, seen = told.settings, told.world(seed, name)
    offset, at = told.offset(seed, name), f"{seed}/{name}"
    told.measured(f"forecasts/{at}", lambda: forecasts.measure(seen, told.film, offset=offset, **_span(settings)))
    told.measured(f"encoding/{at}", lambda: forecasts.encoding_error(seen, *_single(told.film), offset))
    told.measured(
        f"symetric/{at}",
        lambda: canonical.measure(
            seen,
            forecasts.forecast(seen, told.film.frames[:, : settings.context + 1], steps=settings.horizon),
            told.film,
            context=settings.context,
            offset=offset,
        ),
    )
    if seen.world.dynamics.hamiltonian is not None:
        told.measured(f"bump/{at}", lambda: bumps.measure(seen, told.film, context=settings.context, offset=offset))
    for agent in settings.agents if name in settings.acting else ():
        told.measured(f"{agent}/{at}", partial(control.act, agent, seen, seed=seed, starts=settings.starts))


def _single(film: films.Film) -> tuple[np.ndarray, np.ndarray]:
    return film.frames.reshape(-1, *film.frames.shape[2:]), film.states[..., 0].reshape(-1)


def rates(seen: PixelWorld, *, num_envs: int = 256, repeats: int = 40) -> dict[str, float]:
    """Steps a second of a vector of dreams, by the clock; the best is what a busy machine disturbs least."""
    told: dict[str, float] = {"num_envs": num_envs}
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
        told[f"{observation}_steps_per_second_median"] = round(num_envs / float(np.median(seconds)))
        told[f"{observation}_steps_per_second_best"] = round(num_envs / min(seconds))
        envs.close()
    return told


def main(settings: Settings) -> None:
    """Run the experiment."""
    torch.set_num_threads(1)
    console = Console()
    results = study(settings, console)
    console.print(table(results))
