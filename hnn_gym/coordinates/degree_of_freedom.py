"""One degree of freedom: where its position q and its velocity v = dq/dt are observed, and how they are limited.

A step that ends at (q, v) is followed by the limits in the order in which games apply them:

    v <- clip(v, -speed_limit, speed_limit)
    q <- clip(q, low, high), and v <- -restitution v if q was at or beyond a stop and v points further out.

Stops may be soft instead: then they are forces of the physics, and a model learns how they give way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal

from hnn_gym.errors import InputError, are_finite_numbers, finite_number, whole_number

SOFT: Literal["soft"] = "soft"
"""In place of the restitution of stops that give way."""


@dataclass(frozen=True)
class DegreeOfFreedom:
    """One degree of freedom and where it is observed.

    Attributes:
        velocity: index of v in the observation; None: it is not observed, or the degree of freedom is fixed.
        position: index of q; None for an angle seen as cosine and sine, or a position that is not observed.
        cos: index of cos q, together with ``sin``.
        sin: index of sin q.
        speed_limit: the environment clips abs(v) to this; None: it does not.
        angle: the observed position is an angle in rad, so that q and q + 2 pi are the same configuration.
        wraps: the interval (low, high) into which the environment brings an observed angle; None: it counts turns.
        stops: (low, high, restitution) of the walls between which q stays; None in the place of one: there is no wall
            on that side. What meets a wall at speed v leaves it at -restitution v: 0 is inelastic, 1 elastic. "soft" in
            the place of the restitution: the walls give way, as one-sided springs with dampers do, and the models
            'mechanical' and 'chain' learn how much, see :class:`hnn_gym.physics.soft_stops.SoftStops`. None: there are
            no walls.
        fixed: q is a constant of the episode, such as a target or a mass. Its velocity is always 0.
        velocity_scale: the observed velocity is this times v, such as 1/8 where it is a share of 8 rad/s.

    A degree of freedom whose position is not observed is cyclic: nothing observed depends on it, and its q counts from
    0 at the start.

    Raises:
        InputError: the attributes do not describe one degree of freedom.
    """

    velocity: int | None = None
    position: int | None = None
    cos: int | None = None
    sin: int | None = None
    speed_limit: float | None = None
    angle: bool = False
    wraps: tuple[float, float] | None = None
    stops: tuple[float | None, float | None, float | Literal["soft"]] | None = None
    fixed: bool = False
    velocity_scale: float = 1.0

    def __post_init__(self) -> None:
        """Check that this is one degree of freedom."""
        for name in ("velocity", "position", "cos", "sin"):
            if getattr(self, name) is not None:
                whole_number(getattr(self, name), f"{name}, an entry of the observation,", at_least=0)
        if (self.cos is None) != (self.sin is None) or (self.position is not None and self.cos is not None):
            raise InputError(f"A degree of freedom is observed as position, or as cos and sin, not as {self}.")
        if not self.entries:
            raise InputError("A degree of freedom is observed as position, as cos and sin, or by its velocity alone.")
        for name in ("angle", "fixed"):
            if type(getattr(self, name)) is not bool:
                raise InputError(f"A degree of freedom has {name}=True or {name}=False, not {getattr(self, name)!r}.")
        if self.fixed and self.position is None and self.cos is None:
            raise InputError(f"A fixed degree of freedom needs the entry of its position: {self}.")
        if self.fixed and (self.velocity is not None or self.speed_limit is not None or self.stops is not None):
            raise InputError(f"A fixed degree of freedom has no velocity, speed limit or stops: {self}.")
        if self.angle and self.position is None:
            raise InputError(f"angle=True needs an observed position, and this degree of freedom has none: {self}.")
        if self.speed_limit is not None and not (isinstance(self.speed_limit, Real) and self.speed_limit > 0):
            raise InputError(f"A speed limit must be > 0, or None for none, not {self.speed_limit}.")
        if finite_number(self.velocity_scale, "The scale of a velocity") == 0:
            raise InputError("The scale of a velocity must be finite and not 0, and it is 0.")
        if self.velocity is None and self.velocity_scale != 1.0:
            raise InputError(f"There is no observed velocity for a velocity_scale: {self}.")
        self._check_wraps()
        self._check_stops()

    def _check_wraps(self) -> None:
        if self.wraps is None:
            return
        if not self.angle:
            raise InputError(f"Only an angle that is observed as a position can wrap: set angle=True in {self}.")
        known = are_finite_numbers(self.wraps, count=2)
        if not known or not math.isclose(self.wraps[1] - self.wraps[0], 2 * math.pi, rel_tol=1e-6):
            raise InputError(f"An angle wraps into an interval (low, high) of one turn, 2 pi, not into {self.wraps}.")

    def _check_stops(self) -> None:
        if self.stops is None:
            return
        three = isinstance(self.stops, tuple | list) and len(self.stops) == 3
        low, high, restitution = self.stops if three else (None, None, -1.0)
        walls = [wall for wall in (low, high) if wall is not None]
        known = restitution == SOFT or (isinstance(restitution, Real) and 0 <= restitution <= 1)
        if not walls or not are_finite_numbers(walls, count=len(walls)) or walls != sorted(set(walls)) or not known:
            raise InputError(
                "Stops are (low, high, restitution) with low < high, or one of them None, and a restitution from 0 to "
                f"1 or 'soft', not {self.stops}."
            )
        if restitution == SOFT and self.position is None and self.cos is None:
            raise InputError(f"Soft stops need an observed position, and this degree of freedom has none: {self}.")
        if self.is_angle and self.wraps is not None:
            raise InputError(f"An angle that wraps has no stops: {self}.")

    @property
    def is_angle(self) -> bool:
        """Whether q and q + 2 pi are the same configuration."""
        return self.angle or self.cos is not None

    @property
    def soft(self) -> bool:
        """Whether it has stops that give way."""
        return self.stops is not None and self.stops[2] == SOFT

    @property
    def walls(self) -> tuple[float, float]:
        """The interval between the stops of q, infinite where there is no wall."""
        low, high = (None, None) if self.stops is None else self.stops[:2]
        return -math.inf if low is None else low, math.inf if high is None else high

    @property
    def entries(self) -> tuple[int, ...]:
        """The observation entries it takes."""
        return tuple(i for i in (self.position, self.cos, self.sin, self.velocity) if i is not None)
