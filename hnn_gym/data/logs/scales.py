"""What the columns of a log are in SI units: angles or lengths, and the factors of every column.

Settings come first, then a unit in the name of a column, such as "q1 [deg]". Without either, stamps are in s, angles in
rad, lengths in m and actions in N m or N.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data.logs.roles import Roles, asks_for_position, looks_like_length, number_in
from hnn_gym.data.logs.settings import LogSettings
from hnn_gym.data.logs.units import ANGLES, LENGTHS, TIMES, factor_of, is_no_force, named
from hnn_gym.errors import InputError


@dataclass(frozen=True)
class Scales:
    """Units of the columns.

    Attributes:
        roles: what the columns are.
        limit: largest absolute value of an action, or None.
        slopes: over how many seconds velocities are derived from positions; None: they are not.
        lengths: which positions are lengths; the others are angles.
        acts_on: the degree of freedom that each action acts on; None: it is not known.
        forces: which actions are forces or torques; the gains of the others are learned.
        time: what turns stamps into s.
        time_is_declared: whether their unit is known from the settings or from the name.
        position: what turns positions into rad or m.
        angle_is_declared: whether the unit of each position is known in this way.
        velocity: what turns velocities into rad/s or m/s.
        action: what turns actions into N m or N.
    """

    roles: Roles
    limit: float | None
    slopes: float | None
    lengths: tuple[bool, ...]
    acts_on: tuple[int | None, ...]
    forces: tuple[bool, ...]
    time: float
    time_is_declared: bool
    position: tuple[float, ...]
    angle_is_declared: tuple[bool, ...]
    velocity: tuple[float, ...]
    action: tuple[float, ...]

    @classmethod
    def of(cls, roles: Roles, settings: LogSettings) -> Scales:
        """Read settings and names.

        Raises:
            InputError: a setting names a column that is no position, or the settings do not fit the columns.
        """
        _check(roles, settings)
        stamps = "" if roles.time is None else roles.time
        unit = TIMES.get(settings.time_unit or "", factor_of(stamps, "time"))
        lengths = tuple(_is_length(name, settings) for name in roles.position)
        acts_on = _acted_on(roles, settings)
        given = None if settings.angle_unit is None else ANGLES[settings.angle_unit]
        angular = [None if length else given for length in lengths]
        units = [
            _first(angle, factor_of(name, "position")) for angle, name in zip(angular, roles.position, strict=True)
        ]
        speeds = zip(angular, roles.velocity, strict=False)
        return cls(
            roles=roles,
            limit=settings.limit,
            slopes=settings.differentiate,
            lengths=lengths,
            acts_on=acts_on,
            forces=tuple(
                not (settings.unknown_gain or degree is None or is_no_force(name) or asks_for_position(name))
                for name, degree in zip(roles.action, acts_on, strict=True)
            ),
            time=1.0 if unit is None else unit,
            time_is_declared=unit is not None,
            position=tuple(1.0 if factor is None else factor for factor in units),
            angle_is_declared=tuple(factor is not None for factor in units),
            velocity=tuple(_first(angle, factor_of(name, "velocity"), 1.0) or 1.0 for angle, name in speeds),
            action=tuple(factor_of(name, "action") or 1.0 for name in roles.action),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the entries of an observation: those of the columns, without units where they stay different."""
        columns = (*self.roles.position, *self.roles.velocity)
        short = tuple(named(column).name for column in columns)
        short = short if len(set(short)) == len(short) else columns
        return short if self.slopes is None else (*short, *(f"{name}_velocity" for name in short))

    def coordinates(self) -> Coordinates:
        """What the entries of observations and actions are."""
        n = len(self.lengths)
        degrees = tuple(
            DegreeOfFreedom(
                position=i, velocity=n + i if self.roles.velocity or self.slopes else None, angle=not length
            )
            for i, length in enumerate(self.lengths)
        )
        controls = tuple(
            Control(degree, self.limit, unit=self._force_unit(degree) if force else None)
            for degree, force in zip(self.acts_on, self.forces, strict=True)
        )
        return Coordinates(degrees=degrees, controls=controls)

    def sentences(self, low: np.ndarray, high: np.ndarray) -> tuple[str, ...]:
        """What every column was taken for, with the range ``(n,)`` of every position in SI units."""
        words = []
        for i, (name, length) in enumerate(zip(self.roles.position, self.lengths, strict=True)):
            unit = "m" if length else "rad"
            kind = f"a length in {unit}" if length else f"an angle in {unit}"
            speed = ""
            if self.roles.velocity:
                velocity = self.roles.velocity[i]
                speed = f"; {velocity} is its velocity in {unit}/s{_converted(velocity, self.velocity[i])}"
            converted = _converted(name, self.position[i])
            words.append(f"{name} is {kind}{converted}, from {low[i]:.3g} to {high[i]:.3g}{speed}.")
        if self.slopes is not None:
            words.append(f"Velocities are the slopes of the positions over {self.slopes:g} s.")
        for name, degree, force, factor in zip(self.roles.action, self.acts_on, self.forces, self.action, strict=True):
            if degree is None:
                words.append(f"{name} acts on a position that is not known; its gains are learned.")
            elif not force:
                words.append(f"{name} acts on {self.roles.position[degree]} with a gain that is learned.")
            else:
                kind = "force" if self.lengths[degree] else "torque"
                unit = f"{self._force_unit(degree)}{_converted(name, factor)}"
                words.append(f"{name} is a {kind} in {unit} on {self.roles.position[degree]}.")
        return tuple(words)

    def _force_unit(self, degree: int | None) -> str:
        return "N" if degree is not None and self.lengths[degree] else "N m"


def _check(roles: Roles, settings: LogSettings) -> None:
    if (roles.time is None) == (settings.dt is None):
        raise InputError("A log has a column of stamps, or a time step dt: give one of the two (--time or --dt).")
    if settings.differentiate is not None and roles.velocity:
        raise InputError(
            f"differentiate derives velocities, and {roles.velocity[0]!r} is one: name none with velocity=() "
            "(--velocity)."
        )
    for setting in ("lengths", "acts_on"):
        for name in getattr(settings, setting) or ():
            if name not in roles.position:
                raise InputError(f"{setting} names {name!r}, which is not one of the positions {list(roles.position)}.")
    if settings.acts_on is not None and len(settings.acts_on) != len(roles.action):
        raise InputError(f"acts_on names {len(settings.acts_on)} positions for {len(roles.action)} actions.")


def _is_length(name: str, settings: LogSettings) -> bool:
    if settings.lengths is not None:
        return name in settings.lengths
    unit = named(name).unit
    return unit in LENGTHS or (looks_like_length(name) and unit not in ANGLES)


def _acted_on(roles: Roles, settings: LogSettings) -> tuple[int | None, ...]:
    if settings.acts_on is not None:
        return tuple(roles.position.index(name) for name in settings.acts_on)
    if len(roles.action) == len(roles.position):
        return tuple(range(len(roles.action)))
    numbers = [number_in(name) for name in roles.position]
    return tuple(
        numbers.index(number) if (number := number_in(name)) and numbers.count(number) == 1 else None
        for name in roles.action
    )


def _converted(column: str, factor: float) -> str:
    if factor == 1.0:
        return ""
    return f" (from {named(column).unit or 'degrees'})"


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
