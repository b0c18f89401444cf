"""The same coordinates with other velocities observed: none of them, or all."""

from __future__ import annotations

from dataclasses import replace

from hnn_gym.coordinates.declaration import Coordinates
from hnn_gym.errors import InputError


def without_velocities(coordinates: Coordinates) -> tuple[Coordinates, tuple[int, ...]]:
    """Coordinates whose observations are the others without velocities, and the entries that are left.

    Raises:
        InputError: a degree of freedom is observed by its velocity alone.
    """
    for i, degree in enumerate(coordinates.degrees):
        if degree.position is None and degree.cos is None:
            raise InputError(f"Degree of freedom {i} is observed by its velocity alone, so that nothing would show it.")
    hidden = {degree.velocity for degree in coordinates.degrees if degree.velocity is not None}
    kept = tuple(entry for entry in range(coordinates.observation_size) if entry not in hidden)

    def moved(entry: int | None) -> int | None:
        return None if entry is None else kept.index(entry)

    degrees = tuple(
        replace(
            degree,
            position=moved(degree.position),
            cos=moved(degree.cos),
            sin=moved(degree.sin),
            velocity=None,
            velocity_scale=1.0,
        )
        for degree in coordinates.degrees
    )
    readouts = tuple(replace(readout, entry=kept.index(readout.entry)) for readout in coordinates.readouts)
    return replace(coordinates, degrees=degrees, readouts=readouts), kept


def with_velocities(coordinates: Coordinates) -> Coordinates:
    """Coordinates that show every velocity; those that were hidden follow the other entries."""
    size, degrees = coordinates.observation_size, []
    for degree, hidden in zip(coordinates.degrees, coordinates.unobserved, strict=True):
        degrees.append(replace(degree, velocity=size) if hidden else degree)
        size += hidden
    return replace(coordinates, degrees=tuple(degrees))
