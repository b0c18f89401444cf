"""Observation <-> state (q, v): which observation entries are angles, positions and velocities, as data.

An angle is observed as (cos q, sin q), a position as itself; v = dq/dt is observed directly. Which force an
action exerts, and in what unit, is declared beside them. A declaration is plain JSON, so that a data set or
a checkpoint of any environment can carry its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class DegreeOfFreedom:
    """One degree of freedom and where it is observed.

    Attributes:
        velocity: index of dq/dt in the observation.
        position: index of q; None for an angle.
        cos: index of cos q; None for a position.
        sin: index of sin q; None for a position.
        speed_limit: the environment clips abs(dq/dt) to this; None: it does not.
    """

    velocity: int
    position: int | None = None
    cos: int | None = None
    sin: int | None = None
    speed_limit: float | None = None

    def __post_init__(self) -> None:
        """Check that it is either a position or an angle."""
        if (self.position is None) == (self.cos is None) or (self.cos is None) != (self.sin is None):
            raise InputError(f"A degree of freedom is observed as position, or as cos and sin, not as {self}.")
        if self.speed_limit is not None and not self.speed_limit > 0:
            raise InputError(f"A speed limit must be > 0, or None for none, not {self.speed_limit}.")

    @property
    def is_angle(self) -> bool:
        """Whether q lives on a circle."""
        return self.cos is not None

    @property
    def entries(self) -> tuple[int, ...]:
        """The observation entries it takes."""
        return tuple(i for i in (self.position, self.cos, self.sin, self.velocity) if i is not None)


@dataclass(frozen=True)
class Control:
    """One action entry: the generalised force u = scale * action, clipped, that it exerts on a degree of freedom.

    Attributes:
        degree: which degree of freedom.
        limit: the environment clips abs(u) to this; None: it does not.
        unit: "N" or "N m" where known: u is then the generalised force itself, and learned energies are in
            joules. None: the gain is learned, and the scale of the energy stays free.
        scale: force per unit of action, for actions that are a share of the largest force.
    """

    degree: int
    limit: float | None = None
    unit: str | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.limit is not None and not self.limit > 0:
            raise InputError(f"A force limit must be > 0, or None for none, not {self.limit}.")
        if not self.scale or not math.isfinite(self.scale):
            raise InputError(f"The scale of a control must be finite and not 0, and it is {self.scale}.")


@dataclass(frozen=True)
class Coordinates:
    """How an environment's observations and actions map to states and forces.

    Attributes:
        degrees: the degrees of freedom, in the order of q.
        controls: the action entries, in order; empty for an environment without control.

    Raises:
        InputError: no degrees of freedom, an observation entry used twice or left out, or a control of no degree of
            freedom.
    """

    degrees: tuple[DegreeOfFreedom, ...]
    controls: tuple[Control, ...] = ()

    def __post_init__(self) -> None:
        """Check that every observation entry is used exactly once."""
        if not self.degrees:
            raise InputError("Coordinates need at least one degree of freedom.")
        indices = [i for degree in self.degrees for i in degree.entries] + [c.degree for c in self.controls]
        if not all(type(i) is int for i in indices):
            raise InputError(f"Coordinates count entries and degrees of freedom in whole numbers, not as {indices}.")
        used = sorted(i for degree in self.degrees for i in degree.entries)
        if used != list(range(len(used))):
            raise InputError(f"Coordinates must use every observation entry exactly once, and use {used}.")
        for control in self.controls:
            if not 0 <= control.degree < self.n:
                raise InputError(f"{control} acts on a degree of freedom that is not there (n = {self.n}).")

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.degrees)

    @cached_property
    def angles(self) -> tuple[bool, ...]:
        """Which degrees of freedom are angles."""
        return tuple(degree.is_angle for degree in self.degrees)

    @cached_property
    def observation_size(self) -> int:
        """Entries of an observation."""
        return sum(len(degree.entries) for degree in self.degrees)

    @cached_property
    def in_physical_units(self) -> bool:
        """Whether the actions are generalised forces in SI units, so that learned energies are joules."""
        return bool(self.controls) and all(control.unit is not None for control in self.controls)

    def state(self, observation: Array) -> tuple[Array, Array]:
        """Return (q, v), each ``(..., n)``, of observations ``(..., observation_size)``; angles in (-pi, pi]."""
        xp = namespace(observation)
        q = [
            xp.atan2(observation[..., d.sin], observation[..., d.cos]) if d.is_angle else observation[..., d.position]
            for d in self.degrees
        ]
        v = [observation[..., d.velocity] for d in self.degrees]
        return xp.stack(q, axis=-1), xp.stack(v, axis=-1)

    def observation(self, q: Array, v: Array) -> Array:
        """Return observations ``(..., observation_size)`` of states ``(..., n)``."""
        xp = namespace(q)
        entries: dict[int, Array] = {}
        for i, degree in enumerate(self.degrees):
            qi = q[..., i : i + 1]
            entries[degree.velocity] = v[..., i : i + 1]
            if degree.cos is None or degree.sin is None:
                entries[degree.position or 0] = qi
            else:
                entries[degree.cos], entries[degree.sin] = xp.cos(qi), xp.sin(qi)
        return xp.concat([entries[i] for i in range(self.observation_size)], axis=-1)

    def force(self, action: Array) -> Array:
        """Generalised forces u ``(..., m)`` of actions ``(..., m)``: scaled, then clipped to the limits."""
        scales, bounds = self._force_scales, self._force_bounds
        if scales is not None:
            uniform = len(set(scales)) == 1
            action = (
                action * scales[0]
                if uniform
                else namespace(action).stack([action[..., i] * s for i, s in enumerate(scales)], axis=-1)
            )
        if bounds is None:
            return action
        if len(set(bounds)) == 1:
            return action.clip(-bounds[0], bounds[0])
        xp = namespace(action)
        return xp.stack([xp.clip(action[..., i], -b, b) for i, b in enumerate(bounds)], axis=-1)

    @cached_property
    def _force_scales(self) -> tuple[float, ...] | None:
        scales = tuple(float(c.scale) for c in self.controls)
        return None if all(scale == 1.0 for scale in scales) else scales

    @cached_property
    def _force_bounds(self) -> tuple[float, ...] | None:
        limits = tuple(float("inf") if c.limit is None else float(c.limit) for c in self.controls)
        return None if all(limit == float("inf") for limit in limits) else limits

    @cached_property
    def speed_limits(self) -> tuple[float, ...] | None:
        """Largest abs(v) of every degree of freedom, inf where there is none; None if there are none at all."""
        limits = tuple(float("inf") if d.speed_limit is None else float(d.speed_limit) for d in self.degrees)
        return None if all(limit == float("inf") for limit in limits) else limits

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict that :meth:`from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Coordinates:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: the dict is not a declaration of coordinates.
        """
        try:
            return cls(
                degrees=tuple(DegreeOfFreedom(**degree) for degree in data["degrees"]),
                controls=tuple(Control(**control) for control in data.get("controls", ())),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"Not a declaration of coordinates ({error}): {data!r}.") from None
