"""Whether a world learned from frames predicts them: the check at the end of every training.

Windows longer than those that were fitted are cut in the middle. The state is estimated from the first half, the world
predicts the second half, and the error of the positions is compared with how far the body moves in that time. A world
whose frames do not determine the position, or whose model cannot describe the motion, fails here although it may fit
short windows.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from hnn_gym.errors import ConvergenceError
from hnn_gym.training.starts import estimated_starts
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.pixel_world import turned
from hnn_gym.worlds.world_model import WorldModel

WARN_ABOVE, REFUSE_ABOVE = 0.03, 0.2
"""Shares of the motion. Worlds of Pendulum-v1's frames err by 0.002 to 0.01; 0.06 was a world with three times the true
inertia, and 0.4 a world of frames that look alike at two positions."""


def forecast_error_share(world: WorldModel, windows: TrainingWindows, *, device: str = "cpu") -> float:
    """Return the median error of predicted positions as a share of how far the body moves in that time.

    Args:
        world: a latent world, on NumPy.
        windows: of encoded positions, about twice as long as those that were fitted.
        device: where the states are estimated, "cpu" or "cuda".

    Returns:
        The median over the windows of the root mean square in the second half, divided by the median of the root mean
        square distance from the position in the middle; infinite where the world leaves the finite numbers.
    """
    windows = windows.select(windows.steps > 0.7 * windows.steps.max())
    length = int(windows.steps.min())
    half = length // 2
    first = replace(
        windows,
        observation=windows.observation[:, : half + 1],
        states=windows.states[:, : half + 1],
        action=windows.action[:, :half],
        steps=np.full(len(windows), half),
    )
    try:
        starts = estimated_starts(world, first, device=device)
    except ConvergenceError:
        return float("inf")
    x = world.phase_point(*np.split(starts, 2, axis=-1))
    actions = np.moveaxis(windows.action[:, :length], 1, 0) if world.coordinates.controls else None
    with np.errstate(over="ignore", invalid="ignore"):
        predicted = np.moveaxis(world.state(world.rollout(x, actions, steps=length))[0], 0, 1)
    seen, angles = windows.states[:, : length + 1, : world.coordinates.n], world.coordinates.angles

    def difference(q: np.ndarray, other: np.ndarray) -> np.ndarray:
        straight = (q - other)[:, half + 1 :]
        return np.where(angles, turned(straight, angle=True), straight)

    error = np.nan_to_num(difference(predicted, seen), nan=np.inf)
    moved = difference(seen, seen[:, half : half + 1])
    typical = np.median(np.sqrt(np.mean(moved**2, axis=(1, 2))))
    return float(np.median(np.sqrt(np.mean(error**2, axis=(1, 2)))) / max(typical, 1e-300))


def check_forecast(share: float) -> None:
    """Judge the result of :func:`forecast_error_share`.

    Raises:
        ConvergenceError: the world predicts hardly anything.

    Warns:
        UserWarning: it predicts badly.
    """
    found = (
        f"Predicted positions are wrong by {100 * share:.2g} % of the motion in the median, in the very recording that "
        "the world was learned from"
    )
    why = (
        "the frames may not determine the position (more than the body changes in them, it leaves the picture, or it "
        "looks alike at two positions), this model may not describe the motion, or small errors grow in the motion "
        "itself, as those of a pole that falls"
    )
    remedy = 'show the body alone, with --channels or --crop; on Pendulum-v1 "--channels red-green"'
    if share > REFUSE_ABOVE:
        raise ConvergenceError(f"{found}: {why}. Remedy: {remedy}.")
    if share > WARN_ABOVE:
        warnings.warn(f"{found}: {why}. Do not trust its inertia and energies; {remedy}.", stacklevel=3)
