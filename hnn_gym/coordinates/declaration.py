"""Observation <-> state (q, v) and action -> force u, as data.

The meaning of every observation entry and of every action is declared as plain JSON, so that a data set or a checkpoint
of any environment can contain its own. A fixed degree of freedom has v = 0; a velocity that is not observed reads as 0
until it is estimated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from hnn_gym.coordinates.control import Control
from hnn_gym.coordinates.degree_of_freedom import DegreeOfFreedom
from hnn_gym.coordinates.force_table import Table, check_table, control_vectors
from hnn_gym.coordinates.learned_readout import LearnedReadout
from hnn_gym.coordinates.parts import declared, read_part, read_readout
from hnn_gym.coordinates.readout import Readout
from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace

_PARTS = {"degrees": (DegreeOfFreedom,), "controls": (Control,), "readouts": (Readout, LearnedReadout)}


@dataclass(frozen=True)
class Coordinates:
    """How an environment's observations and actions map to states and forces.

    Attributes:
        degrees: the degrees of freedom, in the order of q.
        controls: the entries of the control vector, in order; empty for an environment without control.
        readouts: the observation entries that are functions of the state.
        force_table: for whole-number actions, the control vector of each: of action k in row k. None: the actions are
            control vectors.
        action_counts: for actions of several whole numbers, how many values each can take. The table then has the rows
            of the first number, then those of the second, and so on, and their control vectors are added.

    Raises:
        InputError: no degrees of freedom, an observation entry used twice or left out, a control of no degree of
            freedom, or a table that does not fit the controls.
    """

    degrees: tuple[DegreeOfFreedom, ...]
    controls: tuple[Control, ...] = ()
    readouts: tuple[Readout | LearnedReadout, ...] = ()
    force_table: Table | None = None
    action_counts: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Check that every observation entry is used exactly once, and that the parts fit."""
        for name, kinds in _PARTS.items():
            parts = getattr(self, name)
            if not isinstance(parts, tuple | list) or not all(isinstance(part, kinds) for part in parts):
                listed = " or ".join(kind.__name__ for kind in kinds)
                raise InputError(f"The {name} of Coordinates are a tuple of {listed}, not {parts!r}.")
        if not self.degrees:
            raise InputError("Coordinates need at least one degree of freedom.")
        used = [i for degree in self.degrees for i in degree.entries] + [readout.entry for readout in self.readouts]
        indices = used + [c.degree for c in self.controls if c.degree is not None]
        if not all(type(i) is int for i in indices):
            raise InputError(f"Coordinates count entries and degrees of freedom in whole numbers, not as {indices}.")
        if sorted(used) != list(range(len(used))):
            raise InputError(f"Coordinates must use every observation entry exactly once, and use {sorted(used)}.")
        for control in self.controls:
            if control.degree is not None and not 0 <= control.degree < self.n:
                raise InputError(f"{control} acts on a degree of freedom that is not there (n = {self.n}).")
        for readout in self.readouts:
            if readout.size > self.n:
                raise InputError(f"{readout} reads a degree of freedom that is not there (n = {self.n}).")
        if self.force_table is not None:
            check_table(self.force_table, self.action_counts, len(self.controls))
        elif self.action_counts is not None:
            raise InputError("action_counts needs a force_table: give one, or leave out action_counts.")

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.degrees)

    @cached_property
    def angles(self) -> tuple[bool, ...]:
        """Which degrees of freedom are angles."""
        return tuple(degree.is_angle for degree in self.degrees)

    @cached_property
    def fixed(self) -> tuple[bool, ...]:
        """Which degrees of freedom are constants of the episode."""
        return tuple(degree.fixed for degree in self.degrees)

    @cached_property
    def unobserved(self) -> tuple[bool, ...]:
        """Which degrees of freedom move with a velocity that the observation does not show."""
        return tuple(degree.velocity is None and not degree.fixed for degree in self.degrees)

    @cached_property
    def observation_size(self) -> int:
        """Entries of an observation."""
        return sum(len(degree.entries) for degree in self.degrees) + len(self.readouts)

    @cached_property
    def in_physical_units(self) -> bool:
        """Whether the actions are generalised forces in SI units, so that learned energies are joules."""
        return bool(self.controls) and all(control.unit is not None for control in self.controls)

    def state(self, observation: Array) -> tuple[Array, Array]:
        """Return (q, v), each ``(..., n)``, of observations ``(..., observation_size)``.

        Angles seen as cosine and sine are in (-pi, pi]; what is not observed is 0.
        """
        xp = namespace(observation)
        q, v = [], []
        for degree in self.degrees:
            if degree.cos is not None:
                q.append(xp.atan2(observation[..., degree.sin], observation[..., degree.cos]))
            else:
                q.append(_entry(xp, observation, degree.position))
            vi = _entry(xp, observation, degree.velocity)
            v.append(vi if degree.velocity_scale == 1.0 else vi / degree.velocity_scale)
        return xp.stack(q, axis=-1), xp.stack(v, axis=-1)

    def observation(self, q: Array, v: Array) -> Array:
        """Return observations ``(..., observation_size)`` of states ``(..., n)``."""
        xp = namespace(q)
        entries: dict[int, Array] = {}
        for i, degree in enumerate(self.degrees):
            qi = q[..., i : i + 1]
            if degree.velocity is not None:
                vi, scale = v[..., i : i + 1], degree.velocity_scale
                entries[degree.velocity] = vi if scale == 1.0 else scale * vi
            if degree.cos is not None and degree.sin is not None:
                entries[degree.cos], entries[degree.sin] = xp.cos(qi), xp.sin(qi)
            elif degree.position is not None:
                entries[degree.position] = qi if degree.wraps is None else _wrapped(xp, qi, degree.wraps[0])
        for readout in self.readouts:
            entries[readout.entry] = readout(q, v)
        return xp.concat([entries[i] for i in range(self.observation_size)], axis=-1)

    def unwrapped(self, observation: Array, near: Array) -> Array:
        """Observations ``(..., observation_size)`` with entries that wrap moved by whole turns, nearest to ``near``.

        The difference of two observations is then the difference of what they show.
        """
        if not self._wrapping:
            return observation
        xp = namespace(observation)
        parts = [observation[..., i : i + 1] for i in range(self.observation_size)]
        for i in self._wrapping:
            there = near[..., i : i + 1]
            parts[i] = there + _wrapped(xp, parts[i] - there, -math.pi)
        return xp.concat(parts, axis=-1)

    def force(self, action: Array) -> Array:
        """Generalised forces u ``(..., m)``: the control vectors scaled, then clipped to the limits.

        Args:
            action: control vectors ``(..., m)``; where there is a ``force_table`` also whole-number actions, as
                :meth:`control_vector` takes them.
        """
        if self.force_table is not None and namespace(action).isdtype(action.dtype, "integral"):
            action = control_vectors(self.force_table, self.action_counts, action)
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

    def control_vector(self, action: Array) -> Array:
        """Control vectors ``(..., m)`` of actions as a dataset holds them; a whole-number action is one entry there.

        Args:
            action: integers ``(..., k)``, one number for each of the ``action_counts`` and one number without them,
                which become rows of the ``force_table`` in float64. Without a table control vectors, which are returned
                as they are.

        Raises:
            InputError: there is a table, and the actions are not whole numbers or not in it.
        """
        if self.force_table is None:
            return action
        return control_vectors(self.force_table, self.action_counts, action)

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
        """Largest abs(v) of every degree of freedom, inf where it has no limit; None if none has one."""
        limits = tuple(float("inf") if d.speed_limit is None else float(d.speed_limit) for d in self.degrees)
        return None if all(limit == float("inf") for limit in limits) else limits

    @cached_property
    def has_walls(self) -> bool:
        """Whether any degree of freedom has stops that do not give way."""
        return any(degree.stops is not None and not degree.soft for degree in self.degrees)

    @cached_property
    def soft_stops(self) -> tuple[tuple[int, float | None, float | None], ...]:
        """The degrees of freedom with stops that give way, and these stops, None where there is none."""
        stops = [(i, degree.stops) for i, degree in enumerate(self.degrees) if degree.soft]
        return tuple((i, *walls[:2]) for i, walls in stops if walls is not None)

    def within_stops(self, q: Array, v: Array) -> tuple[Array, Array]:
        """States ``(..., n)`` as walls leave them: positions clipped, velocities into a wall turned back or lost."""
        xp = namespace(q)
        new_q, new_v = [], []
        for i, degree in enumerate(self.degrees):
            qi, vi = q[..., i], v[..., i]
            if degree.stops is not None and not isinstance(degree.stops[2], str):
                low, high = degree.walls
                restitution = degree.stops[2]
                out = ((qi <= low) & (vi < 0)) | ((qi >= high) & (vi > 0))
                qi, vi = xp.clip(qi, low, high), xp.where(out, -restitution * vi, vi)
            new_q.append(qi)
            new_v.append(vi)
        return xp.stack(new_q, axis=-1), xp.stack(new_v, axis=-1)

    @cached_property
    def _wrapping(self) -> tuple[int, ...]:
        return tuple(d.position for d in self.degrees if d.wraps is not None and d.position is not None)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict that :meth:`from_json` reads; what has its default value is left out."""
        data: dict[str, Any] = {
            "degrees": [declared(degree) for degree in self.degrees],
            "controls": [declared(control) for control in self.controls],
        }
        if self.readouts:
            data["readouts"] = [readout.to_json() for readout in self.readouts]
        if self.force_table is not None:
            data["force_table"] = [list(row) for row in self.force_table]
        if self.action_counts is not None:
            data["action_counts"] = list(self.action_counts)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Coordinates:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: the dict is not a declaration of coordinates.
        """
        try:
            unknown = set(data) - {field.name for field in fields(cls)}
            if unknown:
                raise InputError(f"Coordinates have no {', '.join(sorted(map(repr, unknown)))}.")
            table, counts = data.get("force_table"), data.get("action_counts")
            return cls(
                degrees=tuple(read_part(DegreeOfFreedom, degree) for degree in data["degrees"]),
                controls=tuple(read_part(Control, control) for control in data.get("controls", ())),
                readouts=tuple(read_readout(readout) for readout in data.get("readouts", ())),
                force_table=None if table is None else tuple(tuple(float(value) for value in row) for row in table),
                action_counts=None if counts is None else tuple(int(count) for count in counts),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"Not a declaration of coordinates ({error}): {data!r}.") from None


def _entry(xp: Any, observation: Array, index: int | None) -> Array:
    return xp.zeros_like(observation[..., 0]) if index is None else observation[..., index]


def _wrapped(xp: Any, angle: Array, low: float) -> Array:
    """Angles brought into [low, low + 2 pi); those within stay as they are to the bit."""
    turn = 2 * math.pi
    return angle - turn * xp.floor((angle - low) / turn)
