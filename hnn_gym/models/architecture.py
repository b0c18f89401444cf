"""A model as data: a frozen description that draws parameters and builds ``Dynamics`` from them.

``build`` is a pure function of a dict of arrays. Given torch tensors that require gradients it yields
dynamics to train; given NumPy arrays, dynamics to step without torch. A checkpoint is the description as
JSON and the arrays.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.errors import InputError, check_fields, checked_arguments
from hnn_gym.models.features import Combined, Features
from hnn_gym.physics.dynamics import Dynamics
from hnn_gym.physics.integrators import Integrator
from hnn_gym.physics.phase import Array

Parameters = Mapping[str, Array]
"""The parameters of a model: arrays by name."""
RATIOS = "inertia.ratios"
"""Logarithms of masses in units of the first one. Releases up to 0.2 took them as equal and wrote none."""
_MOST_ENTRIES = 10**7
"""Entries of a matrix between degrees of freedom, or between them and controls."""


@dataclass(frozen=True)
class Variables:
    """The facts about a system that its model needs.

    Attributes:
        angles: which degrees of freedom are angles.
        position_scales: typical size of every position (ignored for angles).
        velocity_scales: typical size of every velocity.
        acceleration_scales: typical size of every acceleration.
        control_degrees: the degree of freedom that each control acts on; None: it is not known, and learned.
        force_scales: typical size of every control.
        in_physical_units: controls are generalised forces in SI units. The inertia is then learned and the
            energy is in joules; otherwise masses are counted in units of the first, the control gains are learned and
            the energy's scale is free.
        fixed: which degrees of freedom are constants of the episode, without motion; (): none are.
        ignored: positions on which nothing depends, such as those that are not observed; (): none are.
        soft_stops: degrees of freedom with stops that give way, each with its lower and its upper stop, None where
            there is none.
        length_unit: the power of 1000 that is nearest to the size of positions that are no angles: 1 where they are in
            m, 1000 where they are in mm or in pixels. Masses and energies are counted in units that follow from it, so
            that a model in mm has the parameters of the same model in m.

    Raises:
        InputError: the lengths differ, a scale is not positive and finite, or a control acts nowhere.
    """

    angles: tuple[bool, ...]
    position_scales: tuple[float, ...]
    velocity_scales: tuple[float, ...]
    acceleration_scales: tuple[float, ...]
    control_degrees: tuple[int | None, ...] = ()
    force_scales: tuple[float, ...] = ()
    in_physical_units: bool = False
    fixed: tuple[bool, ...] = ()
    ignored: tuple[bool, ...] = ()
    soft_stops: tuple[tuple[int, float | None, float | None], ...] = ()
    length_unit: float = 1.0

    def __post_init__(self) -> None:
        """Check that they describe one system."""
        check_fields(self)
        object.__setattr__(self, "soft_stops", tuple(tuple(stop) for stop in self.soft_stops))
        if not all(len(stop) == 3 and type(stop[0]) is int and 0 <= stop[0] < self.n for stop in self.soft_stops):
            raise InputError(f"Variables have soft stops of a degree of freedom that is not there: {self}.")
        scales = (self.position_scales, self.velocity_scales, self.acceleration_scales)
        if not self.n or any(len(scale) != self.n for scale in scales):
            raise InputError(f"Variables need one angle flag and three scales for each degree of freedom: {self}.")
        if not all(math.isfinite(s) and s > 0 for s in (*sum(scales, ()), *self.force_scales, self.length_unit)):
            raise InputError(f"Variables need scales that are finite and > 0: {self}.")
        if self.n * max(len(self.control_degrees), self.n) > _MOST_ENTRIES:
            raise InputError(
                f"Variables describe {self.n} degrees of freedom with {len(self.control_degrees)} controls."
            )
        if len(self.force_scales) != len(self.control_degrees):
            raise InputError(f"Variables need one force scale for each control: {self}.")
        if not all(degree is None or 0 <= degree < self.n for degree in self.control_degrees):
            raise InputError(f"Variables have a control of a degree of freedom that is not there: {self}.")
        for flags in (self.fixed, self.ignored):
            boolean = isinstance(flags, tuple) and all(type(flag) is bool for flag in flags)
            if not boolean or (flags and len(flags) != self.n):
                raise InputError(f"Variables need fixed and ignored flags for each degree of freedom, or none: {self}.")
        if self.fixed and all(self.fixed):
            raise InputError(f"Variables need a degree of freedom that moves: {self}.")

    @classmethod
    def measured(
        cls, coordinates: Coordinates, states: np.ndarray, action: np.ndarray, *, dt: float | np.ndarray
    ) -> Variables:
        """Take the scales from recorded windows.

        Args:
            coordinates: the declaration.
            states: [q, v] ``(windows, k + 1, 2n)``, consecutive in time; NaN beyond the end of a window.
            action: actions ``(windows, k, m)``.
            dt: time between them in s; an array broadcasts with ``(windows, k, n)``.
        """
        cyclic = tuple(degree.position is None and degree.cos is None for degree in coordinates.degrees)
        q, v = np.split(states, 2, axis=-1)
        acceleration = np.diff(v, axis=-2) / dt

        size = np.sqrt(np.nanmean(q.reshape(-1, coordinates.n) ** 2, axis=0))
        straight = [
            float(s)
            for s, angle, fixed, nowhere in zip(size, coordinates.angles, coordinates.fixed, cyclic, strict=True)
            if s > 0 and not (angle or fixed or nowhere)
        ]

        def scales(values: np.ndarray) -> tuple[float, ...]:
            rms = np.sqrt(np.nanmean(values.reshape(-1, values.shape[-1]) ** 2, axis=0))
            return tuple(float(s) if s > 0 else 1.0 for s in rms)

        return cls(
            angles=coordinates.angles,
            position_scales=scales(q),
            velocity_scales=scales(v),
            acceleration_scales=scales(acceleration),
            control_degrees=tuple(control.degree for control in coordinates.controls),
            force_scales=scales(coordinates.force(action)) if coordinates.controls else (),
            in_physical_units=coordinates.in_physical_units,
            fixed=coordinates.fixed if any(coordinates.fixed) else (),
            ignored=cyclic if any(cyclic) else (),
            soft_stops=coordinates.soft_stops,
            length_unit=1000.0 ** round(math.log(math.prod(straight) ** (1 / len(straight)), 1000))
            if straight
            else 1.0,
        )

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.angles)

    @property
    def control_columns(self) -> np.ndarray:
        """Which degree of freedom each control acts on, as columns of the identity ``(n, m)``; 0 where unknown."""
        columns = np.zeros((self.n, len(self.control_degrees)))
        for control, degree in enumerate(self.control_degrees):
            if degree is not None:
                columns[degree, control] = 1.0
        return columns

    @property
    def moving(self) -> np.ndarray:
        """1 for every degree of freedom that moves and 0 for constants of the episode ``(n,)``."""
        return 1.0 - np.array(self.fixed or (False,) * self.n, dtype=float)

    @property
    def momentum_scales(self) -> list[float]:
        """Typical size of every velocity, infinite for constants of the episode: nothing depends on their momentum."""
        return [v if moves else math.inf for v, moves in zip(self.velocity_scales, self.moving.tolist(), strict=True)]

    @property
    def features(self) -> Features:
        """The map from positions to network inputs."""
        return self.combined_features("none")

    def combined_features(self, combined: Combined) -> Features:
        """The same with sums and differences of angles. Positions on which nothing depends are 0 as inputs."""
        ignored = self.ignored or (False,) * self.n
        angles = tuple(angle and not skip for angle, skip in zip(self.angles, ignored, strict=True))
        scales = tuple(math.inf if skip else s for s, skip in zip(self.position_scales, ignored, strict=True))
        return Features(angles, scales, combined, self.fixed)

    @property
    def mass_units(self) -> np.ndarray:
        """The units that masses are counted in ``(n,)``: N s^2 per unit of length where controls are known forces."""
        unit = 1.0 / self.length_unit if self.in_physical_units else 1.0
        return np.where(self.angles, 1.0, unit)

    @property
    def force_scale(self) -> float:
        """Typical size of a force for unit inertia."""
        return self._mean(self.mass_units * np.array(self.acceleration_scales))

    @property
    def energy_scale(self) -> float:
        """Typical size of an energy for unit inertia and unit length."""
        lengths = np.where(self.angles, 1.0, self.length_unit)
        return self._mean(self.mass_units * np.array(self.acceleration_scales) * lengths)

    def _mean(self, sizes: np.ndarray) -> float:
        return float(np.mean([size for size, moves in zip(sizes.tolist(), self.moving, strict=True) if moves]))


class Architecture(ABC):
    """A kind of model with its hyperparameters; subclasses are frozen dataclasses with JSON-ready fields."""

    kind: ClassVar[str]
    networks: ClassVar[bool] = True
    """Whether there are networks in it; without them a fit begins near its end and needs least squares alone."""
    variables: Variables

    def __post_init__(self) -> None:
        """Check the types of the hyperparameters, and keep them as Python's own tuples and numbers.

        Raises:
            InputError: one has another type than the model declares.
        """
        check_fields(self)
        for name, value in self.hyperparameters().items():
            object.__setattr__(self, name, _plain(value))

    def hyperparameters(self) -> dict[str, Any]:
        """Every field but ``variables``, JSON-ready."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}  # type: ignore[attr-defined]
        del own["variables"]
        return own

    @abstractmethod
    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw float64 parameters by name."""

    @abstractmethod
    def build(self, parameters: Parameters) -> Dynamics:
        """Build the dynamics from parameters of any array library."""

    @property
    @abstractmethod
    def integrator(self) -> Integrator:
        """The scheme to train through and to step with, unless another is asked for."""


def _plain(value: Any) -> Any:
    """A hyperparameter that JSON can hold: lists are tuples, and numbers those of Python."""
    if isinstance(value, tuple | list):
        return tuple(map(_plain, value))
    if isinstance(value, Real) and not isinstance(value, bool):
        return int(value) if isinstance(value, Integral) else float(value)
    return value


@checked_arguments
def check_shapes(architecture: Architecture, arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse arrays that are not the parameters of a model.

    Nothing larger than the arrays themselves is allocated to find this out.

    Raises:
        InputError: their names or shapes differ from those that the model draws.
    """
    entries = sum(value.size for value in arrays.values())
    sizes = [number for value in architecture.hyperparameters().values() for number in _whole_numbers(value)]
    if max(sizes, default=0) > max(entries, 1):
        raise InputError(f"The model has layers of up to {max(sizes)} units, and the arrays have {entries} entries.")
    expected = {name: value.shape for name, value in architecture.initial_parameters(_Draws(entries)).items()}
    found = {name: value.shape for name, value in arrays.items()}
    if RATIOS not in found:
        expected.pop(RATIOS, None)
    for name in {**expected, **found}:
        if expected.get(name) != found.get(name):
            raise InputError(
                f"The arrays do not fit the model its card describes: {name!r} has the shape {found.get(name)}, and "
                f"the model needs {expected.get(name)}."
            )


class _Draws(np.random.Generator):
    """Draws at most so many numbers at once."""

    def __init__(self, at_most: int) -> None:
        super().__init__(np.random.PCG64(0))
        self._at_most = at_most

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """See NumPy's.

        Raises:
            InputError: more numbers are drawn than there are entries in the arrays.
        """
        if math.prod(size if isinstance(size, tuple) else (size or 1,)) > self._at_most:
            raise InputError(f"The model has weights of the shape {size}, and the arrays have {self._at_most} entries.")
        return super().normal(loc, scale, size)


def _whole_numbers(value: Any) -> list[int]:
    """The whole numbers in a hyperparameter."""
    if isinstance(value, list | tuple):
        return [number for entry in value for number in _whole_numbers(entry)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []
