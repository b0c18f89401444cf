"""What the figures of an evaluation mean, in sentences: how far a world can be trusted, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.errors import checked_arguments
from hnn_gym.evaluation.forecasts import Forecasts
from hnn_gym.worlds.world_model import WorldModel

SMALL, SMALL_FRAMES = 0.1, 0.2
"""An error that does not matter for most purposes: in standard deviations, and of frames as a share of how much they
differ, where the error of the picture of a still moment is a part of it."""
LONG, FEW = 50, 10
"""Steps from which on a forecast is long, and below which it is of little use."""
_HELP = (
    "What helps, in this order: read the sentences about the observations and actions that train printed; "
    "--model auto; more transitions, from a policy that visits what you need (--policy); --damping where there is "
    "friction."
)
_HELP_FOR_A_LOG = (
    "What helps, in this order: read the units that convert printed; look in the figures where residuals are large; "
    "--damping and --dry where there is friction; --model chain for links that hang on each other; a longer log, with "
    "the motion that you need the world for."
)
_NUDGE = 1e-6
_SAMPLES = 32


@dataclass(frozen=True)
class EnergyCheck:
    """What a free motion of a world does to its own energy.

    Attributes:
        steps: how many were taken from each start.
        drift: change of the mean energy from the first tenth to the last tenth, the largest of all starts, as a share
            of the spread of energies over the states of the recording.
        band: largest less smallest energy along a motion, the same share.
        true_band: largest less smallest *true* energy, over that of the true world, the worst start; None where the
            true physics is not known.
    """

    steps: int
    drift: float
    band: float
    true_band: float | None


@checked_arguments
def sensitivity(world: WorldModel, x: np.ndarray, *, steps: int) -> float:
    """How many times a tiny error of the state grows in so many free steps of a world: the median of some starts.

    Args:
        world: on NumPy.
        x: phase points of a motion ``(N, 2n)``.
        steps: number of steps.
    """
    x = x[np.linspace(0, len(x) - 1, min(_SAMPLES, len(x))).astype(int)]
    size = np.maximum(np.abs(x).std(axis=0), 1e-3)
    nudged = x + _NUDGE * size * np.random.default_rng(0).choice([-1.0, 1.0], x.shape)
    with np.errstate(all="ignore"):
        ends = [world.rollout(start, steps=steps)[-1] for start in (x, nudged)]
        growth = np.abs((ends[1] - ends[0]) / size).max(axis=-1) / _NUDGE
    return float(np.median(np.nan_to_num(growth, nan=np.inf)))


@checked_arguments
def verdict(
    forecasts: Forecasts, energy: EnergyCheck | None, *, growth: float, frames: bool = False, log: bool = False
) -> list[str]:
    """Judge a world.

    Args:
        forecasts: its forecasts of real steps.
        energy: what it does to its own energy; None if it has none.
        growth: how many times a tiny error grows over the length of the forecasts.
        frames: whether errors are those of frames, in units of how much these differ.
        log: whether the recording is a log of a machine.

    Returns:
        Sentences; the first says how good the world is.
    """
    limit, unit = (SMALL_FRAMES, "of how much frames differ") if frames else (SMALL, "standard deviations")
    steps, trusted = forecasts.error.shape[1], forecasts.steps_within(limit)
    sentences = [_how_far(trusted, steps, f"{limit:g} {unit}")]
    end = min(steps, LONG) - 1
    easy = float(np.median(forecasts.still[:, end]))
    if not forecasts.median[end] < easy:
        sentences.append(
            f"After {end + 1} steps it is no better than the forecast that nothing moves: do not use it that far ahead."
        )
    if trusted < steps and growth > 1e3:
        sentences.append(
            f"The motion is sensitive: in {steps} steps even a perfect world makes a tiny error {growth:.0e} times as "
            "large. So long forecasts cannot be right, while planning over few steps, and what is true on average, can."
        )
    if forecasts.one_step > limit:
        remedy = "" if log else ": learn with --loss shooting"
        sentences.append(
            f"A single step errs by {forecasts.one_step:.2g} {unit}. Sensors with noise of that size do this to a "
            f"perfect world too{remedy}. Otherwise the model, or the map of the observations, is wrong."
        )
    sentences += _of_energy(energy)
    if trusted < min(steps, LONG):
        sentences.append(_HELP_FOR_A_LOG if log else _HELP)
    return sentences


def _how_far(trusted: int, steps: int, limit: str) -> str:
    within = f"the median error stays within {limit}"
    if trusted >= steps:
        if steps < LONG:
            return (
                f"Good, as far as the recording shows: {within} over the {steps} steps that its episodes have. "
                "Evaluate it again on longer episodes, under the policy that you need it for."
            )
        return f"Good: {within} over all {steps} steps. Train agents in it over whole episodes, and plan in it."
    if trusted >= LONG:
        plan = "Plan that far ahead, or begin imagined episodes at real states."
        return f"Good for {trusted} steps: so far {within}. {plan}"
    if trusted >= FEW:
        return (
            f"Usable for {trusted} steps: so far {within}. Plan over short horizons and look at the real state in "
            "every step; do not train agents over whole episodes in it."
        )
    return f"Not good enough: {within} for only {trusted} steps."


def _of_energy(energy: EnergyCheck | None) -> list[str]:
    if energy is None:
        return ["It has no energy: energy bumps and reversed time are not possible, and a long motion may gain energy."]
    if not energy.drift < SMALL:
        return [
            f"Its own energy changes by {100 * energy.drift:.2g} % of what the recording spans in {energy.steps:,} "
            "free steps. Friction and a residual force do that; without them the time step is too long for its scheme."
        ]
    words = (
        f"Its energy does not drift: in {energy.steps:,} free steps by {100 * energy.drift:.2g} % of what the "
        "recording spans."
    )
    if energy.true_band is None:
        return [words]
    judged = "as it should be" if energy.true_band < 1.5 else "which is too much: the learned H has another shape"
    if energy.true_band < 0.5:
        judged = "because its scheme keeps the energy better than the real environment does"
    return [words, f"The true energy of its motion moves {energy.true_band:.2f} times as much as in reality, {judged}."]
