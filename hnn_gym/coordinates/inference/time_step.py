"""The time between two observations, from velocities: positions move by it times their velocity."""

from __future__ import annotations

from hnn_gym.coordinates import Coordinates
from hnn_gym.coordinates.inference.derivatives import Match, Place, match_of, precise_step
from hnn_gym.coordinates.inference.recording import Recording

_SAME_STEP = 0.1
_BIASED = 3.0
"""Largest ratio of the error of an inferred time step to the error of its relation."""


def time_step(recording: Recording, relations: list[Match]) -> tuple[float, str]:
    """The time step that follows from velocities, or else the recorded one, or else 1; and a sentence about it."""
    if not relations:
        if recording.dt is None:
            return 1.0, "The time step is not known, and no velocity determines it: it counts as 1."
        return recording.dt, f"The time step is {recording.dt:g} s."
    best = min(relations, key=lambda match: match.error)
    if recording.dt is not None and abs(best.step / recording.dt - 1) < _SAME_STEP + _BIASED * best.error:
        return recording.dt, f"The time step is {recording.dt:g} s, and velocities agree ({best.step:.4g})."
    step = rounded(*precise_step(recording, best))
    moved = f"a step moves positions by {step:g} times velocities"
    if recording.dt is None:
        return step, f"No time step was recorded, and {moved}: dt = {step:g}."
    return step, f"The time step is {step:g} and not {recording.dt:g} as recorded, since {moved}."


def declared_time_step(recording: Recording, coordinates: Coordinates) -> tuple[float, str]:
    """As :func:`time_step`, by the velocities that coordinates declare."""
    relations = []
    for degree in coordinates.degrees:
        if degree.velocity is None:
            continue
        if degree.cos is not None and degree.sin is not None:
            place = Place((degree.cos, degree.sin))
        elif degree.position is not None:
            place = Place((degree.position,), wraps=degree.wraps is not None)
        else:
            continue
        match = match_of(recording, place, degree.velocity)
        if match is not None:
            relations.append(match)
    return time_step(recording, relations)


def rounded(value: float, tolerance: float) -> float:
    """A number with as few digits as are within a relative tolerance."""
    return next(
        short for digits in range(1, 18) if abs((short := float(f"{value:.{digits}g}")) / value - 1) <= tolerance
    )
