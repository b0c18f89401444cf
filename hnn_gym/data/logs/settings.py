"""How the columns of a log are read: units, what actions do, gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hnn_gym.errors import InputError, check_fields, finite_number, whole_number

_CHOICES = {
    "time_unit": ("s", "ms", "us", "ns", None),
    "angle_unit": ("rad", "deg", None),
    "actions": ("held", "interpolated"),
}


@dataclass(frozen=True)
class LogSettings:
    """How the columns of a log are read.

    Raises:
        InputError: a setting has the wrong type or is out of range.
    """

    name: str = "log"
    """What the machine is called in the dataset."""
    dt: float | None = None
    """Time step in s, for a log without a column of stamps."""
    time_unit: Literal["s", "ms", "us", "ns"] | None = None
    """Unit of the stamps. None: the one in the name of their column, such as time_ms or "time [ms]"; otherwise s."""
    angle_unit: Literal["rad", "deg"] | None = None
    """Unit of angles, and of angular velocities per second. None: the one in the name of a column, such as "q1 [deg]";
    otherwise rad, and numbers that cannot be rad are refused."""
    lengths: tuple[str, ...] | None = None
    """Which positions are lengths in m. None: those whose names say so, such as x or cart. All others are angles."""
    unwrap: bool = False
    """Count turns where the log wraps angles, for example from pi to -pi."""
    actions: Literal["held", "interpolated"] = "held"
    """held: an action lasts until the next stamp. interpolated: it changes evenly from stamp to stamp, as a measured
    force does, and a step has its mean."""
    acts_on: tuple[str, ...] | None = None
    """Which position each action acts on. None: the one at the same place, or with the same number in its name."""
    unknown_gain: bool = False
    """Actions are no forces in N or N m, but volts or shares of a largest value: their gains are learned. So they are
    where the name of a column says V, A or %."""
    limit: float | None = None
    """Largest absolute value of an action."""
    gap: float | None = None
    """A step longer than this, in s, ends an episode. Shorter ones are learned as they are, with the action held or
    interpolated throughout. None: 10 median steps."""
    every: int = 1
    """Keep every so many-th row. The action of a step is then the mean over its time. A fifth of the rows of a log at
    500 Hz holds as much information, and is learned five times as fast."""
    differentiate: float | None = None
    """Where velocities were not measured, derive them: the slope of a cubic through the positions of so many seconds
    around each row, before ``every`` leaves rows out. For logs with many rows from sensors with little noise: the rows
    that are left out then count too. None: training estimates velocities."""
    skip_incomplete: bool = False
    """Leave out rows with an empty cell or NaN; their time passes all the same."""

    def __post_init__(self) -> None:
        """Check the choices and the numbers."""
        check_fields(self)
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                allowed = ", ".join(str(choice) for choice in choices if choice is not None)
                raise InputError(f"{name} must be one of {allowed}, and it is {getattr(self, name)!r}.")
        for name in ("dt", "limit", "gap", "differentiate"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else finite_number(value, name, above=0.0))
        object.__setattr__(self, "every", whole_number(self.every, "every", at_least=1))
