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

_DRAG_ROWS = 150


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
    return chain_guesses(architecture, *windows.single_steps(coordinates, dt=dt))[0]


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
