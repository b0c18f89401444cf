"""The cells of the study: what is measured of one world, each a function of a folder and some numbers."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from experiments.pixels import bumps, canonical, control, films, forecasts
from hnn_gym.studies import Cell
from hnn_gym.worlds.pixel_world import PixelWorld

_FIRST_FILM_SEED = 1000


class Shots(NamedTuple):
    """The film of unforced motion on which worlds are measured, the same for all.

    Attributes:
        size: rows and columns of a frame.
        motions: number of motions.
        horizon: steps to forecast.
        context: steps between the frames from which a state is estimated.
    """

    size: int
    motions: int
    horizon: int
    context: int

    @property
    def film(self) -> films.Film:
        """The frames and the true states, drawn once in a process."""
        return _filmed(self)


def cells_of(
    shots: Shots, folder: Path, at: str, *, offset: float, seed: int, starts: int, agents: tuple[str, ...]
) -> dict[str, Cell]:
    """What is measured of the world in ``folder``, by keys that end with ``at``.

    Args:
        shots: the film.
        folder: of the world.
        at: its recording and model, such as "0/HNN".
        offset: the true angle of the origin of its latent.
        seed: of its agents.
        starts: starts of the real pendulum.
        agents: who acts in it.
    """
    world = PixelWorld.load(folder)
    cells: dict[str, Cell] = {
        f"forecasts/{at}": partial(_forecast, shots, folder, offset),
        f"encoding/{at}": partial(_encoding, shots, folder, offset),
        f"symetric/{at}": partial(_symetric, shots, folder, offset),
    }
    if world.world.dynamics.hamiltonian is not None:
        cells[f"bump/{at}"] = partial(_bump, shots, folder, offset)
    return cells | {f"{agent}/{at}": partial(_act, agent, folder, seed, starts) for agent in agents}


def real_forecast(shots: Shots) -> dict[str, Any]:
    """The errors of the real map itself, from states read off frames."""
    return forecasts.measure_real(shots.film, context=shots.context, steps=shots.horizon)


def _forecast(shots: Shots, folder: Path, offset: float) -> dict[str, Any]:
    seen = PixelWorld.load(folder)
    return forecasts.measure(seen, shots.film, offset=offset, context=shots.context, steps=shots.horizon)


def _encoding(shots: Shots, folder: Path, offset: float) -> dict[str, Any]:
    frames, states = shots.film
    single = frames.reshape(-1, *frames.shape[2:]), states[..., 0].reshape(-1)
    return forecasts.encoding_error(PixelWorld.load(folder), *single, offset)


def _symetric(shots: Shots, folder: Path, offset: float) -> dict[str, Any]:
    seen, film = PixelWorld.load(folder), shots.film
    dreamt = forecasts.forecast(seen, film.frames[:, : shots.context + 1], steps=shots.horizon)
    return canonical.measure(seen, dreamt, film, context=shots.context, offset=offset)


def _bump(shots: Shots, folder: Path, offset: float) -> dict[str, Any]:
    return bumps.measure(PixelWorld.load(folder), shots.film, context=shots.context, offset=offset)


def _act(agent: str, folder: Path, seed: int, starts: int) -> dict[str, Any]:
    return control.act(agent, PixelWorld.load(folder), seed=seed, starts=starts)


@lru_cache(maxsize=1)
def _filmed(shots: Shots) -> films.Film:
    rule, length = films.rule_of(shots.size), shots.horizon + shots.context
    return films.film_unforced(rule, episodes=shots.motions, steps=length, first_seed=_FIRST_FILM_SEED)
