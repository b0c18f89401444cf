"""What frames show: a background, and the parts that move in front of it.

A scene is declared with a training, and the obvious one is taken where the coordinates say which it is. It determines
the codec: a picture that is a function of one position (:class:`.FrameCodec`), or sprites that move in the plane
(:class:`.SpriteCodec`). In both the encoder is the decoder's inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError, finite_number, whole_number
from hnn_gym.models.pixel.codec import FrameCodec
from hnn_gym.models.pixel.sprite_codec import SpriteCodec

Codec = FrameCodec | SpriteCodec
"""What maps positions to frames and back."""


@dataclass(frozen=True)
class OnePosition:
    """One body that turns or slides, so that the whole picture is a function of one position."""

    @property
    def model(self) -> str:
        """The kind of the dynamics, if none is given."""
        return "mechanical"

    def check(self, coordinates: Coordinates) -> None:
        """Refuse coordinates that are not of one position.

        Raises:
            InputError: they have several degrees of freedom.
        """
        if coordinates.n != 1:
            raise InputError(
                f"A scene of one position does not fit coordinates of {coordinates.n} degrees of freedom: declare one, "
                "a circle (DegreeOfFreedom(cos=0, sin=1, velocity=2)) or a line (DegreeOfFreedom(position=0, "
                "velocity=1)), or give scene=Bodies(...)."
            )


@dataclass(frozen=True)
class Bodies:
    """Bodies that move in the plane of the picture, each the same picture (a sprite) wherever it is.

    The latent positions are [x_1, y_1, x_2, y_2, ...] from the middle of the picture, x to the right and y upwards.

    Attributes:
        count: number of bodies.
        height: height of the picture in m, if it is known: positions are then in m, and energies in J where forces are
            in N. None: the unit of length is half the height of the picture, and the scale of energies is free.

    Raises:
        InputError: a value is out of range.
    """

    count: int
    height: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        object.__setattr__(self, "count", whole_number(self.count, "count", at_least=1))
        if self.height is not None:
            object.__setattr__(self, "height", finite_number(self.height, "height", above=0.0))

    @property
    def model(self) -> str:
        """The kind of the dynamics, if none is given."""
        return "pairwise" if self.count > 1 else "mechanical"

    def check(self, coordinates: Coordinates) -> None:
        """Refuse coordinates that are not those of so many bodies in the plane.

        Raises:
            InputError: they have another number of degrees of freedom, angles or constants.
        """
        if coordinates.n != 2 * self.count or any(coordinates.angles) or any(coordinates.fixed):
            raise InputError(
                f"A scene of {self.count} bodies has 2 x {self.count} positions x, y, and the coordinates declare "
                f"{coordinates.n} degrees of freedom, {sum(coordinates.angles)} of them angles."
            )

    def pixels_per_unit(self, rows: int) -> float:
        """Pixels in a unit of length, in frames of so many rows."""
        return rows / (2.0 if self.height is None else self.height)

    def coordinates(self, controls: Coordinates | None = None) -> Coordinates:
        """Coordinates that show positions, then velocities, of the bodies, with the controls of others."""
        n = 2 * self.count
        degrees = tuple(DegreeOfFreedom(position=i, velocity=n + i) for i in range(n))
        if controls is None:
            return Coordinates(degrees)
        return Coordinates(
            degrees,
            controls.controls,
            force_table=controls.force_table,
            action_counts=controls.action_counts,
        )


Scene = OnePosition | Bodies
"""What frames show."""


def obvious_scene(coordinates: Coordinates) -> Scene:
    """The scene that coordinates suggest: one position, or bodies in the plane.

    Raises:
        InputError: they suggest neither.
    """
    if coordinates.n == 1:
        return OnePosition()
    if coordinates.n % 2 == 0 and not any(coordinates.angles) and not any(coordinates.fixed):
        return Bodies(coordinates.n // 2)
    raise InputError(
        f"Frames of {coordinates.n} degrees of freedom, {sum(coordinates.angles)} of them angles, cannot be learned "
        "from: a scene is one position (a body that turns or slides), or bodies in the plane, with positions x and y "
        "each."
    )


def codec_of(arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> Codec:
    """Build a codec from what its ``arrays`` and ``to_json`` gave.

    Raises:
        InputError: they do not fit together.
    """
    kind: type[SpriteCodec] | type[FrameCodec] = SpriteCodec if data.get("kind") == SpriteCodec.kind else FrameCodec
    return kind.of(arrays, data)
