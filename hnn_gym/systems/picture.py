"""A picture as data: shapes at places that are functions of the positions q, for whatever draws them.

The same description is drawn in a window (:mod:`hnn_gym.envs.render.picture`) and, traced, in a browser
(:mod:`hnn_gym.page`).
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Any

from hnn_gym.errors import InputError, check_arguments, check_fields, finite_number
from hnn_gym.physics.phase import Array, namespace

COLOURS = ("ground", "frame", "body", "second", "third", "mark")
"""What a colour is for: the surroundings, what holds the bodies, up to three kinds of bodies, and small marks."""


@dataclass(frozen=True, eq=False)
class Line:
    """A line with round ends.

    Attributes:
        points: ``(k, 2)``.
        colour: one of :data:`COLOURS`.
        width: 0 draws a thin line at any scale.
    """

    points: Array
    colour: str = "frame"
    width: float = 0.0

    def __post_init__(self) -> None:
        """Check the places, the colour and the numbers.

        Raises:
            InputError: naming the one that cannot be.
        """
        _check(self, at_least=2)


@dataclass(frozen=True, eq=False)
class Disc:
    """A filled circle.

    Attributes:
        points: its centre ``(1, 2)``.
        radius: its radius.
        colour: one of :data:`COLOURS`.
        trail: whether the way of its centre is drawn behind it.
    """

    points: Array
    radius: float
    colour: str = "body"
    trail: bool = False

    def __post_init__(self) -> None:
        """Check the places, the colour and the numbers.

        Raises:
            InputError: naming the one that cannot be.
        """
        _check(self, at_least=1, at_most=1)


@dataclass(frozen=True, eq=False)
class Polygon:
    """A filled polygon.

    Attributes:
        points: its corners ``(k, 2)``.
        colour: one of :data:`COLOURS`.
    """

    points: Array
    colour: str = "body"

    def __post_init__(self) -> None:
        """Check the places, the colour and the numbers.

        Raises:
            InputError: naming the one that cannot be.
        """
        _check(self, at_least=3)


@dataclass(frozen=True, eq=False)
class Coil:
    """A spring between two places.

    Attributes:
        points: both ends ``(2, 2)``.
        turns: how many turns it has.
        radius: of a turn.
        colour: one of :data:`COLOURS`.
    """

    points: Array
    turns: int = 9
    radius: float = 0.16
    colour: str = "frame"

    def __post_init__(self) -> None:
        """Check the places, the colour and the numbers.

        Raises:
            InputError: naming the one that cannot be.
        """
        _check(self, at_least=2, at_most=2)


Shape = Line | Disc | Polygon | Coil


@dataclass(frozen=True)
class Picture:
    """What a picture of one state shows, in metres or whatever unit the positions have; x to the right, y upwards.

    Attributes:
        shapes: from the back to the front.
        half_width: how much the picture shows at least, to every side of its centre.
        centre: the place in the middle.
    """

    shapes: tuple[Shape, ...]
    half_width: float
    centre: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Check the types.

        Raises:
            InputError: a shape is none of :data:`Shape`, or a number cannot be.
        """
        check_fields(self)
        finite_number(self.half_width, "The half_width of a Picture", above=0.0)


def _check(shape: Shape, *, at_least: int, at_most: int | None = None) -> None:
    """Refuse a shape with another number of places, an unknown colour, or a field of another type.

    Raises:
        InputError: naming the field.
    """
    kind = type(shape)
    size: tuple[int, ...] = getattr(shape.points, "shape", ())
    if len(size) != 2 or size[1] != 2 or not at_least <= size[0] <= (at_most or size[0]):
        count = f"({at_least}, 2)" if at_most else f"(k, 2) with k of at least {at_least}"
        raise InputError(f"{kind.__name__} needs points to be an array {count}, got {_described(shape.points)}.")
    check_arguments(kind, **{name: value for name, value in vars(shape).items() if name != "points"})
    if shape.colour not in COLOURS:
        raise InputError(f"{kind.__name__} needs colour to be one of {', '.join(COLOURS)}, got {shape.colour!r}.")


def _described(points: Any) -> str:
    return f"one of shape {tuple(points.shape)}" if hasattr(points, "shape") else reprlib.repr(points)


def points(q: Array, *places: tuple[Any, Any]) -> Array:
    """Points ``(k, 2)`` from pairs of x and y, each a number or an array ``()`` computed from positions q ``(n,)``."""
    xp, zero = namespace(q), 0 * q[..., 0]
    return xp.stack([xp.stack([zero + x, zero + y], axis=-1) for x, y in places], axis=-2)


def along(q: Array, start: tuple[Any, Any], angle: Array, length: float) -> tuple[Array, Array]:
    """The place at a distance from ``start``, in the direction at ``angle`` in rad from upright, clockwise."""
    xp = namespace(q)
    return start[0] + length * xp.sin(angle), start[1] + length * xp.cos(angle)


def rod(q: Array, angle: Array, *, length: float = 1.0) -> Picture:
    """A pendulum: a rod from a pivot in the middle, at ``angle`` in rad from upright, clockwise."""
    pivot = (0.0, 0.0)
    shapes = (
        Line(points(q, pivot, along(q, pivot, angle, length)), "body", width=0.18 * length),
        Disc(points(q, pivot), 0.05 * length, "frame"),
    )
    return Picture(shapes, 1.25 * length)


def cart(q: Array, angles: tuple[Array, ...], *, rail: float, length: float) -> Picture:
    """A cart with poles, each on the end of the one before.

    Args:
        q: positions ``(n,)``; the first is that of the cart.
        angles: of each pole in rad from upright, clockwise.
        rail: the rail reaches so far to both sides.
        length: of each pole.
    """
    x, wide, high = q[..., 0], 0.25 * length, 0.15 * length
    corners = ((x - wide, -high), (x + wide, -high), (x + wide, high), (x - wide, high))
    shapes: list[Shape] = [
        Line(points(q, (-rail, 0.0), (rail, 0.0)), "ground"),
        Line(points(q, (-rail, -high), (-rail, high)), "mark"),
        Line(points(q, (rail, -high), (rail, high)), "mark"),
        Polygon(points(q, *corners), "frame"),
    ]
    place: tuple[Any, Any] = (x, 0.0)
    for angle, colour in zip(angles, ("body", "second", "third"), strict=False):
        end = along(q, place, angle, length)
        shapes.append(Line(points(q, place, end), colour, width=0.1 * length))
        shapes.append(Disc(points(q, place), 0.035 * length, "mark"))
        place = end
    return Picture(tuple(shapes), max(1.06 * rail, 1.1 * length * len(angles)), (0.0, 0.25 * length * len(angles)))
