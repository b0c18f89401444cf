"""The score of a correct model on the paper's films: the truth itself, scored by the same code.

Its frames have one pixel, the angle theta; z = (theta, p) is read off two of them exactly, and Pendulum-v1's own map
moves it. Two sources of error are left:

- *exact*: frames show the true angle. Under the paper's protocol the score is the error of the time stretch. The energy
  of a film ripples at twice the swing's frequency, as p of Pendulum-v1 is half a step before theta, and the model's
  time, with its ripple, falls behind by up to 3 frames. Only a model whose swing is too fast could score less.
- *two frames*: a frame shows the mean angle of those training frames that look most like it. Pendulum-v1 draws the rod
  with corners rounded to whole pixels, so that one picture stands for an interval of angles, and the error of the angle
  enters the first momentum divided by 4 x 0.05 s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from experiments.paper.pixel_data import DT, Film, train_and_test
from experiments.paper.pixel_runs import PixelRunSettings, recorded, scores
from hnn_gym.systems import true_world

_FIGURES = ("energy_mse", "energy_mse_median_start", "coordinate_mse")


class TrueWorld:
    """Pendulum-v1 for frames of one pixel, the angle from hanging."""

    def encode(self, pairs: np.ndarray) -> np.ndarray:
        """Codes (theta, p) ``(..., 2)`` of pairs of angles ``(..., 2)``, p = (d theta / dt) / 4."""
        return np.stack([pairs[..., 1], (pairs[..., 1] - pairs[..., 0]) / DT / 4], axis=-1)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Pairs of angles ``(..., 2)`` of codes ``(..., 2)``."""
        return np.stack([z[..., 0] - 4 * z[..., 1] * DT, z[..., 0]], axis=-1)

    def motion(self, z: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Codes ``(k, points, 2)`` at evenly spaced times, in frames, from codes ``(k, 2)`` at the first of them."""
        world = replace(true_world("Pendulum-v1"), dt=float(times[1] - times[0]) * DT)
        start = world.phase_point(z[:, :1] + np.pi, 4 * z[:, 1:])
        angle, speed = world.state(world.rollout(start, np.zeros((len(times) - 1, len(z), 1))))
        return np.moveaxis(np.concatenate([angle - np.pi, speed / 4], axis=-1), 0, 1)


def pixel_floors(seed: int, settings: PixelRunSettings) -> dict[str, Any]:
    """Score the truth on the scored films; angles of frames are looked up in the training films of ``seed``."""
    training, _ = train_and_test(recorded(settings.trials, settings.frames, seed)[0])
    world = TrueWorld()
    reading = of_angles(training, training.theta)
    exact = scores(world, reading, settings, lambda shown: of_angles(shown, shown.theta))
    two_frames = scores(world, reading, settings, lambda shown: of_angles(shown, looked_up(shown, training)))
    return {
        name: {where: {figure: scored[where][figure] for figure in _FIGURES} for where in scored}
        for name, scored in (("exact", exact), ("two_frames", two_frames))
    }


def of_angles(shown: Film, angles: np.ndarray) -> Film:
    """The film with frames of one pixel that show the angles ``(trials, T)``."""
    return replace(shown, frames=angles[..., None])


def looked_up(shown: Film, training: Film) -> np.ndarray:
    """Angles ``(trials, T)`` of frames: the mean angle of the training frames that look most like each."""
    pictures, which, counts = np.unique(
        training.frames.reshape(-1, training.frames.shape[-1]), axis=0, return_inverse=True, return_counts=True
    )
    angles = np.bincount(which.ravel(), training.theta.ravel()) / counts
    flat = shown.frames.reshape(-1, shown.frames.shape[-1]).astype(np.float64)
    known = pictures.astype(np.float64)
    nearest = np.argmin((known**2).sum(-1) / 2 - flat @ known.T, axis=-1)
    return angles[nearest].reshape(shown.theta.shape)
