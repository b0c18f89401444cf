"""Zeros of encoders: one unknown constant for every position of every episode.

    what the encoder of joint i shows in episode e = q_i + z_ei

An incremental encoder counts from where its joint stands when it is switched on, and dry friction holds a joint up to
(its Coulomb friction) / (the stiffness of gravity) away from its rest. A model in which gravity or the inertia depends
on the position tells the two apart. The zeros of episodes to learn from are parameters of a shooting fit (``Zeros``);
those of an episode that a known world follows are estimated with the starts of its windows (``estimated_zeros``):

    min over z_e, x_w of  sum over windows w of e, moments t of |(o_t(x_w) + z_e - o_t) / scale|^2 + |a z_e / scale|^2

by Levenberg-Marquardt, episode by episode. The last term is what the episodes to learn from say of further ones, and
holds the zeros of short episodes: a^2 = r (size of the errors of the fit / size of its zeros)^2, where the errors of a
model last for r rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.training.losses import shooting_path
from hnn_gym.training.objective import observation_scale
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.world_model import WorldModel

_STEPS = 10
_LASTING = 25
"""r: rows for which errors last. It was settled with two recordings of a real robot in view (docs/real-robot.md)."""
_UNKNOWN = 1.0
"""a^2 of a world that was not learned with zeros."""
_GAIN = 1e-3
"""An episode is done when a step lowers its sum of squares by a smaller share."""
_NUDGE = 1e-5
"""Of central differences, in units of the scale."""
_ROUNDING = 1e-12


class Zeros:
    """The correction of the observations of a shooting fit: what encoders show, less their zeros."""

    name = "zeros"
    decay = 1e-8
    """It only breaks ties: the zeros are in units of the scale of positions."""
    own_units = False

    def __init__(
        self, windows: TrainingWindows, coordinates: Coordinates, *, scale: np.ndarray, device: str | torch.device
    ) -> None:
        """Correct the positions of windows.

        Args:
            windows: whose episodes have zeros of their own.
            coordinates: what the observations are.
            scale: of every observation entry ``(d,)``.
            device: where the observations are needed.

        Raises:
            InputError: a position is not observed by itself, but by a cosine and a sine.
        """
        self._sizes, shown = _shown(coordinates, scale)
        self._shape = (int(windows.episode.max(initial=-1)) + 1, coordinates.n)
        self._episode = torch.tensor(windows.episode, device=device)
        self._observation = torch.tensor(np.nan_to_num(windows.observation), device=device)
        self._shown = torch.tensor(shown * self._sizes[:, None], device=device)

    def initial(self) -> np.ndarray:
        """Zeros of 0 ``(episodes, n)``, in units of the scale as all of them."""
        return np.zeros(self._shape)

    def carried(self, amounts: np.ndarray) -> np.ndarray:
        """Where the fit of other windows of the same episodes begins."""
        return amounts

    def __call__(self, amounts: torch.Tensor) -> torch.Tensor:
        """Return observations ``(N, k + 1, d)`` without zeros."""
        return self._observation - (amounts[self._episode] @ self._shown)[:, None]

    def in_units(self, amounts: np.ndarray) -> np.ndarray:
        """The zeros ``(episodes, n)`` in the units of the positions."""
        return np.asarray(amounts * self._sizes)


def estimated_zeros(world: WorldModel, windows: TrainingWindows) -> np.ndarray:
    """Return the zeros ``(episodes, n)`` of the encoders in episodes that a world follows, in units of the positions.

    Args:
        world: the world, on NumPy.
        windows: of the episodes; an episode without windows has zeros of 0.

    Raises:
        InputError: a position is not observed by itself.
        ConvergenceError: the world leaves the finite numbers from the observed states.
    """
    scale = observation_scale(world.coordinates, windows.filled(world.coordinates))
    sizes, shown = _shown(world.coordinates, scale)
    n, episode, prior = world.coordinates.n, windows.episode, _prior(world)
    episodes = int(episode.max(initial=-1)) + 1
    seen = np.isfinite(windows.observation)
    units = np.concatenate([sizes, np.maximum(np.nanstd(windows.states[..., n:], axis=(0, 1)), _ROUNDING)])

    def residual(zeros: np.ndarray, starts: np.ndarray) -> np.ndarray:
        path = shooting_path(world, starts * units, windows.action, windows.duration)
        path = world.coordinates.unwrapped(path, windows.observation) + ((zeros[episode] * sizes) @ shown)[:, None]
        return np.where(seen, (path - windows.observation) / scale, 0.0).reshape(len(episode), -1)

    def by_episode(values: np.ndarray) -> np.ndarray:
        found = np.zeros((episodes, *values.shape[1:]))
        np.add.at(found, episode, values)
        return found

    def squares(r: np.ndarray, zeros: np.ndarray) -> np.ndarray:
        total: np.ndarray = by_episode((r**2).sum(axis=1)) + (prior * zeros**2).sum(axis=1)
        return np.where(np.isfinite(total), total, np.inf)

    def slopes(zeros: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Derivatives ``(N, m, 3n)`` by the zeros of the episode and the start of the window."""
        pairs = [
            residual(zeros + way[:n], starts + way[n:]) - residual(zeros - way[:n], starts - way[n:])
            for way in _NUDGE * np.eye(3 * n)
        ]
        return np.stack(pairs, axis=-1) / (2 * _NUDGE)

    zeros, starts = np.zeros((episodes, n)), windows.states[:, 0] / units
    damping = np.full(episodes, 1e-3)
    with np.errstate(over="ignore", invalid="ignore"):
        r = residual(zeros, starts)
        least = squares(r, zeros)
        if not np.isfinite(least).all():
            raise ConvergenceError("The world leaves the finite numbers along this recording.")
        for _ in range(_STEPS):
            moved, begun = _step(slopes(zeros, starts), r, zeros, prior, damping, episode, by_episode)
            tried = residual(zeros + moved, starts + begun)
            value = squares(tried, zeros + moved)
            better = value < least
            done = better & (value > (1 - _GAIN) * least)
            zeros = np.where(better[:, None], zeros + moved, zeros)
            starts = np.where(better[episode, None], starts + begun, starts)
            r, least = np.where(better[episode, None], tried, r), np.where(better, value, least)
            damping = np.where(better, damping / 5, damping * 10)
            if done.all():
                break
    return np.asarray(zeros * sizes)


def _step(
    slopes: np.ndarray,
    r: np.ndarray,
    zeros: np.ndarray,
    prior: np.ndarray,
    damping: np.ndarray,
    episode: np.ndarray,
    by_episode: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Changes of the zeros ``(episodes, n)`` and of the starts ``(N, 2n)``, which are eliminated window by window."""
    n, damped = zeros.shape[1], 1 + damping[:, None]
    of_zeros, of_starts = np.split(slopes, [n], axis=-1)
    across = of_starts.swapaxes(1, 2)
    curvature = across @ of_starts
    diagonal = np.diagonal(curvature, axis1=1, axis2=2) * damping[episode, None] + _ROUNDING
    curvature = curvature + diagonal[..., None] * np.eye(2 * n)
    solved = np.linalg.solve(curvature, across @ np.concatenate([of_zeros, r[..., None]], axis=-1))
    left = of_zeros.swapaxes(1, 2)
    kept = left @ (np.concatenate([of_zeros, r[..., None]], axis=-1) - of_starts @ solved)
    information, pull = by_episode(kept[..., :n]) + np.diag(prior), by_episode(kept[..., n]) + prior * zeros
    information[:, range(n), range(n)] *= damped
    moved = -np.linalg.solve(information, pull[..., None])[..., 0]
    begun = -(solved[..., n] + (solved[..., :n] @ moved[episode, :, None])[..., 0])
    return moved, begun


def _prior(world: WorldModel) -> np.ndarray:
    """a^2 for every position ``(n,)``, from the noise and the zeros on the card."""
    n, found = world.coordinates.n, world.card.get("zeros")
    if found is None:
        return np.full(n, _UNKNOWN)
    noise = np.array(world.card["figures"]["sensor_noise"])
    entries = [degree.position for degree in world.coordinates.degrees if degree.position is not None]
    sizes = np.sqrt(np.mean(np.square(found), axis=0))
    return np.asarray(_LASTING * (noise[entries] / np.maximum(sizes, _ROUNDING)) ** 2)


def _shown(coordinates: Coordinates, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scale of every position ``(n,)``, and which entry shows it ``(n, d)``."""
    entries = [degree.position for degree in coordinates.degrees if degree.position is not None]
    if len(entries) < coordinates.n:
        raise InputError(
            "Zeros of encoders are those of positions in rad or m, and an angle of this recording is a cosine and a "
            "sine: leave out zeros=True (--zeros)."
        )
    shown = np.zeros((coordinates.n, coordinates.observation_size))
    shown[np.arange(coordinates.n), entries] = 1.0
    return scale[entries], shown
