"""What frames show: a background, and the parts that move in front of it.

A scene is declared with a training, and the obvious one is taken where the coordinates say which it is. It determines
the codec: a picture that is a function of one position (:class:`.FrameCodec`), sprites that move in the plane or on a
line (:class:`.SpriteCodec`), or rigid parts that carry each other: a carriage with a part that turns, or an arm of two
links (:class:`.LinkageCodec`). In all of them the encoder is the decoder's inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError, finite_number, whole_number
from hnn_gym.models.pixel.codec import FrameCodec
from hnn_gym.models.pixel.linkage_codec import LinkageCodec
from hnn_gym.models.pixel.sprite_codec import SpriteCodec

Codec = FrameCodec | SpriteCodec | LinkageCodec
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
                f"{_degrees(coordinates)}."
            )

    @property
    def in_metres(self) -> bool:
        """Whether positions are in m."""
        return self.height is not None

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


@dataclass(frozen=True)
class Slider:
    """One body that slides from left to right before a background that is the same along every row.

    The body is the same picture (a sprite) wherever it is, so that frames are read, and drawn, beyond the positions of
    the recording too. The latent position is x from the middle of the picture to the right.

    Attributes:
        width: width of the picture in m, if it is known: 4.8 for Spring-v0. x is then in m, and energies are in J where
            forces are in N. None: the unit of length is half the width, and the scale of energies is free.

    Raises:
        InputError: the width is out of range.
    """

    width: float | None = None

    count: ClassVar[int] = 1
    """Number of bodies."""

    def __post_init__(self) -> None:
        """Check the number."""
        if self.width is not None:
            object.__setattr__(self, "width", finite_number(self.width, "width", above=0.0))

    @property
    def model(self) -> str:
        """The kind of the dynamics, if none is given."""
        return "mechanical"

    def check(self, coordinates: Coordinates) -> None:
        """Refuse coordinates that are not one position on a line.

        Raises:
            InputError: they are something else.
        """
        if coordinates.angles != (False,) or any(coordinates.fixed):
            raise InputError(
                f"A body that slides has one position on a line, and the coordinates declare {_degrees(coordinates)}."
            )

    @property
    def in_metres(self) -> bool:
        """Whether x is in m."""
        return self.width is not None

    def pixels_per_unit(self, columns: int) -> float:
        """Pixels in a unit of length, in frames of so many columns."""
        return columns / (2.0 if self.width is None else self.width)

    def coordinates(self, controls: Coordinates | None = None) -> Coordinates:
        """Coordinates that show x and its velocity, with the controls of others."""
        degrees = (DegreeOfFreedom(position=0, velocity=1),)
        return Coordinates(degrees) if controls is None else replace(controls, degrees=degrees)


@dataclass(frozen=True)
class Carriage:
    """A carriage that slides from left to right, and a part that turns on it, such as a cart with its pole.

    The latent positions are [x, theta]: x from the middle of the picture to the right, and theta in rad from upright,
    to the right.

    Attributes:
        aspect: width of the picture over its height, before it became a frame: 1.5 for CartPole-v1. Angles have a
            wrong scale where it is wrong.
        width: width of the picture in m, if it is known: 4.8 for CartPole-v1. x is then in m, and energies are in J
            where forces are in N. None: the unit of length is half the width, and the scale of energies is free.

    Raises:
        InputError: a value is out of range.
    """

    aspect: float = 1.0
    width: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        object.__setattr__(self, "aspect", finite_number(self.aspect, "aspect", above=0.0))
        if self.width is not None:
            object.__setattr__(self, "width", finite_number(self.width, "width", above=0.0))

    @property
    def model(self) -> str:
        """The kind of the dynamics, if none is given."""
        return "chain"

    def check(self, coordinates: Coordinates) -> None:
        """Refuse coordinates that are not a position and an angle.

        Raises:
            InputError: they are something else.
        """
        if coordinates.angles != (False, True) or any(coordinates.fixed):
            raise InputError(
                f"A carriage with a part that turns has two degrees of freedom, a position and an angle, and the "
                f"coordinates declare {_degrees(coordinates)}."
            )

    @property
    def in_metres(self) -> bool:
        """Whether x is in m."""
        return self.width is not None

    @property
    def half_width(self) -> float:
        """Half the width of the picture in the unit of x."""
        return 1.0 if self.width is None else self.width / 2

    def columns_per_unit(self, columns: int) -> float:
        """Columns in a unit of length, in frames of so many columns."""
        return columns / (2 * self.half_width)

    def coordinates(self, controls: Coordinates | None = None) -> Coordinates:
        """Coordinates that show x, theta and their velocities, with the controls of others."""
        degrees = (DegreeOfFreedom(position=0, velocity=2), DegreeOfFreedom(position=1, velocity=3, angle=True))
        return Coordinates(degrees) if controls is None else replace(controls, degrees=degrees)


@dataclass(frozen=True)
class Arm:
    """Two links that turn: the first about a pivot that stands still, the second about a joint of the first.

    The latent positions are the angle of the first link from hanging down and that of the second from the direction of
    the first, in rad. They are counted in the direction in which a positive torque turns the second link, and clockwise
    where no torque is recorded.

    Attributes:
        aspect: width of the picture over its height, before it became a frame. Angles have a wrong scale where it is
            wrong.

    Raises:
        InputError: the aspect is out of range.
    """

    aspect: float = 1.0

    in_metres: ClassVar[bool] = True
    """Angles need no length for their unit, so that energies are in J where torques are in N m."""

    def __post_init__(self) -> None:
        """Check the number."""
        object.__setattr__(self, "aspect", finite_number(self.aspect, "aspect", above=0.0))

    @property
    def model(self) -> str:
        """The kind of the dynamics, if none is given."""
        return "chain"

    def check(self, coordinates: Coordinates) -> None:
        """Refuse coordinates that are not two angles.

        Raises:
            InputError: they are something else.
        """
        if coordinates.angles != (True, True) or any(coordinates.fixed):
            raise InputError(
                f"An arm of two links has two degrees of freedom, both of them angles, and the coordinates declare "
                f"{_degrees(coordinates)}."
            )

    def coordinates(self, controls: Coordinates | None = None) -> Coordinates:
        """Coordinates that show (cos, sin) of both angles, then velocities, with the controls and limits of others."""
        limits = (None, None) if controls is None else [degree.speed_limit for degree in controls.degrees]
        degrees = tuple(
            DegreeOfFreedom(cos=2 * i, sin=2 * i + 1, velocity=4 + i, speed_limit=limit)
            for i, limit in enumerate(limits)
        )
        return Coordinates(degrees) if controls is None else replace(controls, degrees=degrees, readouts=())


Scene = OnePosition | Bodies | Slider | Carriage | Arm
"""What frames show."""


def _degrees(coordinates: Coordinates) -> str:
    angles = sum(coordinates.angles)
    degrees = "1 degree of freedom" if coordinates.n == 1 else f"{coordinates.n} degrees of freedom"
    return f"{degrees}, {angles} of them {'an angle' if angles == 1 else 'angles'}"


def obvious_scene(coordinates: Coordinates) -> Scene:
    """The scene that coordinates suggest: one position, bodies in the plane, a carriage and its part, or an arm.

    Raises:
        InputError: they suggest none of these.
    """
    if coordinates.n == 1:
        return OnePosition()
    if coordinates.n % 2 == 0 and not any(coordinates.angles) and not any(coordinates.fixed):
        return Bodies(coordinates.n // 2)
    if coordinates.angles == (False, True) and not any(coordinates.fixed):
        return Carriage()
    if coordinates.angles == (True, True) and not any(coordinates.fixed):
        return Arm()
    raise InputError(
        f"Frames of {coordinates.n} degrees of freedom, {sum(coordinates.angles)} of them angles, cannot be learned "
        "from: a scene is one position (a body that turns or slides), bodies in the plane, with positions x and y "
        "each, a carriage with a part that turns, or an arm of two links."
    )


def codec_of(arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> Codec:
    """Build a codec from what its ``arrays`` and ``to_json`` gave.

    Raises:
        InputError: they do not fit together.
    """
    kinds: dict[Any, type[Codec]] = {SpriteCodec.kind: SpriteCodec, LinkageCodec.kind: LinkageCodec}
    return kinds.get(data.get("kind"), FrameCodec).of(arrays, data)
