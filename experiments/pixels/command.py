"""The pixel pendulum, from film to control: ``python -m experiments.pixels --out docs/results/pixels.json``.

For each of several recordings the command films Pendulum-v1 under random torque; learns an HNN and two networks without
physics from the frames, by one method; forecasts unforced motion a thousand steps ahead, forward and backward, and
measures how canonical the latent is; bumps the learned H; plans, and trains an agent of stable-baselines3, in the dream
alone, and lets both act in the real Pendulum-v1 from frames alone. If it is interrupted, the same command measures what
is missing.
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
            InputError: they were measured with other settings.
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
        """Return the result under ``key``; if it is missing, measure it by ``work``."""
        if key not in self.results:
            began = time.process_time()
            self.results[key] = work()
            self.console.print(f"{key}: {time.process_time() - began:.0f} CPU s")
        value: dict[str, Any] = self.results[key]
        return value

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
    """Make all measurements, one recording after the other."""
    done = Study(settings, console)
    for seed in settings.seeds:
        for name in settings.models:
            _measure(done, seed, name)
        if seed == settings.seeds[0]:
            _show(done, seed)
    done.measured("forecasts/real", lambda: forecasts.measure_real(done.film, **_span(settings)))
    return done.results


def _show(done: Study, seed: int) -> None:
    """Measure rates, and write weights and figures, of one recording."""
    settings = done.settings
    shown = {name: done.world(seed, name) for name in settings.models}
    if "HNN" in shown:
        done.measured("stepping", lambda: rates(shown["HNN"]))
    if settings.weights is not None:
        for name, seen in shown.items():
            env_id = worlds.MODELS[name][1]
            if env_id is not None:
                seen.save(settings.weights / env_id, overwrite=True)
    if settings.pictures is not None:
        offsets = {name: done.offset(seed, name) for name in shown}
        dataset, _ = worlds.recorded(settings.steps, settings.size, seed)
        figures.draw(shown, dataset, done.film, offsets, settings.pictures, context=settings.context)


def _span(settings: Settings) -> dict[str, int]:
    return {"context": settings.context, "steps": settings.horizon}


def _measure(done: Study, seed: int, name: str) -> None:
    """Measure everything about one model and one recording."""
    settings, seen = done.settings, done.world(seed, name)
    offset, at = done.offset(seed, name), f"{seed}/{name}"
    done.measured(f"forecasts/{at}", lambda: forecasts.measure(seen, done.film, offset=offset, **_span(settings)))
    done.measured(f"encoding/{at}", lambda: forecasts.encoding_error(seen, *_single(done.film), offset))
    done.measured(
        f"symetric/{at}",
        lambda: canonical.measure(
            seen,
            forecasts.forecast(seen, done.film.frames[:, : settings.context + 1], steps=settings.horizon),
            done.film,
            context=settings.context,
            offset=offset,
        ),
    )
    if seen.world.dynamics.hamiltonian is not None:
        done.measured(f"bump/{at}", lambda: bumps.measure(seen, done.film, context=settings.context, offset=offset))
    for agent in settings.agents if name in settings.acting else ():
        done.measured(f"{agent}/{at}", partial(control.act, agent, seen, seed=seed, starts=settings.starts))


def _single(film: films.Film) -> tuple[np.ndarray, np.ndarray]:
    return film.frames.reshape(-1, *film.frames.shape[2:]), film.states[..., 0].reshape(-1)


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
