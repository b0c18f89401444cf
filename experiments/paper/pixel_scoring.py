"""Energies of motions dreamt in a latent plane, as the paper measures them: through decoded frames.

From the pair of frames (0, 1), z(0) = E(x(0)), then z(t) as the model moves it, time in frames: dz/dt = f(z) for the
paper's networks, its own steps for a world of steps. x(t) = D(z(t)) are the dreamt pairs. The model itself reads the
angle of a pair: c = A E(x) + a, with the affine map (A, a) from the codes of the training pairs to their true
c = (theta, p), p = (d theta / dt) / 4, by least squares (the paper fits it by Adam). The energy is
k (1 - cos theta) + p^2 in units of 1 J / 0.375, and the score the mean square of its difference to that of the film.
As the first pair is given, it counts as exact.

*Paper protocol*: k = 1.9; starts with abs(theta) between pi / 11 and pi / 10; 200 pairs; the model's time runs slower
than the film's, by 1.5 %: 200 points from 0 to 0.98 x 200 stand for those from 0 to 199. Their code scores one such
film, we several. *Without the stretch*: the same otherwise, times from 0 to 199.
*Corrected protocol*: k = 1.875, which Pendulum-v1's gravity and inertia give; starts as in training; no stretch.

This metric trusts the model to read its own frames. So the pixels are compared too, by the valid prediction time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np

from experiments.frame_metrics import normalised_pixel_error, valid_prediction_time
from experiments.paper.pixel_data import WIDEST, Film, film
from experiments.paper.scoring import Score

_PAPER_GRAVITY, _GRAVITY = 1.9, 1.875
_PAPER_STRETCH = 0.98
_PAPER_STARTS = (np.pi / 11, np.pi / 10)
_SEED = 20_190_604


class Dreamer(Protocol):
    """A model to score: it encodes pairs of frames to codes z, dreams in codes, and decodes them to frames."""

    @property
    def encode(self) -> Callable[[np.ndarray], np.ndarray]:
        """Map pairs of frames ``(..., 2 pixels)`` to codes ``(..., 2)``."""

    @property
    def decode(self) -> Callable[[np.ndarray], np.ndarray]:
        """Map codes to pairs of frames."""

    def motion(self, z: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Codes ``(k, points, 2)`` at evenly spaced times in frames, from codes ``(k, 2)`` at the first of them."""


@dataclass(frozen=True)
class Reader:
    """c = (z, 1) M, the canonical coordinates (theta, p) of codes.

    Attributes:
        matrix: M ``(3, 2)``.
    """

    matrix: np.ndarray

    @classmethod
    def fitted(cls, world: Dreamer, training: Film) -> Reader:
        """Fit to the pairs of the training film, each with the coordinates of its newer frame."""
        z = world.encode(training.pairs.astype(np.float64)).reshape(-1, 2)
        return cls(np.linalg.lstsq(_with_one(z), coordinates(training).reshape(-1, 2), rcond=None)[0])

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Coordinates ``(..., 2)`` of codes ``(..., 2)``."""
        return _with_one(z) @ self.matrix


def coordinates(shown: Film) -> np.ndarray:
    """The true (theta, p) at the newer frame of every pair ``(trials, T - 1, 2)``."""
    return np.stack([shown.theta[:, 1:], shown.speed[:, 1:] / 4], axis=-1)


def energy(c: np.ndarray, gravity: float = _GRAVITY) -> np.ndarray:
    """K (1 - cos theta) + p^2 at coordinates ``(..., 2)``; 0.375 is a joule."""
    return gravity * (1 - np.cos(c[..., 0])) + c[..., 1] ** 2


@cache
def scored_films(starts: int, corrected_starts: int, frames: int) -> tuple[Film, Film]:
    """The films of both protocols, the same for every model: ``frames`` pairs each."""
    narrowest, widest = _PAPER_STARTS
    paper = film(trials=starts, frames=frames + 1, seed=_SEED, narrowest=narrowest, widest=widest)
    return paper, film(trials=corrected_starts, frames=frames + 1, seed=_SEED + 1, widest=WIDEST)


def paper_score(world: Dreamer, reader: Reader, shown: Film, *, stretched: bool = True) -> dict[str, Any]:
    """Score under the paper's protocol, with its time stretch or without."""
    steps = shown.frames.shape[1] - 1
    _, read = _dream(world, reader, shown, np.linspace(0, _PAPER_STRETCH * steps if stretched else steps - 1, steps))
    return _score(read, coordinates(shown), _PAPER_GRAVITY).to_json()


def corrected_score(world: Dreamer, reader: Reader, shown: Film) -> dict[str, Any]:
    """Score under the corrected protocol; with the valid prediction time in frames, of ``steps``."""
    steps = shown.frames.shape[1] - 1
    decoded, read = _dream(world, reader, shown, np.arange(steps, dtype=np.float64))
    newer = shown.frames[:, 1:]
    error = normalised_pixel_error(decoded[..., newer.shape[-1] :], newer, pixel_axes=1)
    valid = valid_prediction_time(error)
    return _score(read, coordinates(shown), _GRAVITY).to_json() | {
        "steps": steps,
        "valid_prediction_time": float(np.median(valid)),
        "valid_prediction_time_by_start": valid.tolist(),
        "first_frame_error": float(error[:, 0].mean()),
    }


def _dream(world: Dreamer, reader: Reader, shown: Film, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    z = world.motion(world.encode(shown.pairs[:, 0].astype(np.float64)), times)
    decoded = world.decode(z)
    read = reader(world.encode(decoded))
    read[:, 0] = coordinates(shown)[:, 0]
    return decoded, read


def _score(read: np.ndarray, true: np.ndarray, gravity: float) -> Score:
    off = (energy(read, gravity) - energy(true, gravity)) ** 2
    return Score(tuple(off.mean(axis=1)), tuple(((read - true) ** 2).mean(axis=(1, 2))))


def _with_one(z: np.ndarray) -> np.ndarray:
    return np.concatenate([z, np.ones((*z.shape[:-1], 1))], axis=-1)
