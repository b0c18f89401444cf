"""Where the fit of a planar chain begins: the solution of Lagrange's equations in weak form, which are linear.

Finely sampled exact data give the chain to several digits; noise makes the guess worse, and it remains a beginning for
the fit. See :mod:`hnn_gym.training.chain_equations` for the equations, and :mod:`hnn_gym.training.drag_guess` for the
drag of a fluid, in which they are not linear.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.models import PlanarChainHNN
from hnn_gym.training.chain_equations import chain_equations, chain_parameters, solved
from hnn_gym.training.drag_guess import guesses_with_drag
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.pixel_world import turned

_ROWS, _DRAG_ROWS = 20_000, 150


def chain_guess(
    architecture: PlanarChainHNN, coordinates: Coordinates, windows: TrainingWindows, *, dt: float
) -> dict[str, np.ndarray]:
    """Return the parameters that Lagrange's equations suggest for a recording.

    Args:
        architecture: the chain.
        coordinates: what the actions are.
        windows: of recorded steps.
        dt: time step in s.
    """
    return chain_guesses(architecture, *_steps(coordinates, windows, dt))[0]


def chain_guesses(
    architecture: PlanarChainHNN, begin: np.ndarray, end: np.ndarray, u: np.ndarray, seconds: np.ndarray
) -> list[dict[str, np.ndarray]]:
    """Return the parameters that Lagrange's equations suggest, the best first; several only where there is drag.

    Args:
        architecture: the chain.
        begin: states [q, v] ``(2, N, n)`` before the steps.
        end: those after, on the same turns.
        u: forces ``(N, m)``.
        seconds: time of every step ``(N,)``.
    """
    if not architecture.drag:
        return [chain_parameters(architecture, solved(*chain_equations(architecture, begin, end, u, seconds)))]
    few = np.random.default_rng(0).permutation(len(seconds))[:_DRAG_ROWS]
    return guesses_with_drag(architecture, begin[:, few], end[:, few], u[few], seconds[few])


def _steps(
    coordinates: Coordinates, windows: TrainingWindows, dt: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """States [q, v] ``(2, N, n)`` before and after single steps, without jumps of wrapped angles, forces, and times."""
    n = coordinates.n
    begin, end = windows.states[:, :-1].reshape(-1, 2 * n), windows.states[:, 1:].reshape(-1, 2 * n)
    u = coordinates.force(windows.action)
    u = u.reshape(len(begin), u.shape[-1])
    seconds = np.broadcast_to(windows.step_time(dt), (*windows.action.shape[:2], 1)).ravel()
    whole = np.flatnonzero(np.isfinite(begin).all(axis=1) & np.isfinite(end).all(axis=1))
    rows = whole if len(whole) <= _ROWS else np.random.default_rng(0).choice(whole, _ROWS, replace=False)
    first, last = (np.moveaxis(states[rows].reshape(-1, 2, n), 1, 0) for states in (begin, end))
    moved = last[0] - first[0]
    last[0] = first[0] + np.where(coordinates.angles, turned(moved, angle=True), moved)
    return first, last, u[rows], seconds[rows]
