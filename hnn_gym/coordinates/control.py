"""What an action does: the generalised force u = clip(scale * a, -limit, limit) on one degree of freedom."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

from hnn_gym.errors import InputError, finite_number, whole_number


@dataclass(frozen=True)
class Control:
    """One entry of the control vector a: the generalised force u that it exerts.

    Attributes:
        degree: which degree of freedom u acts on; None: this is not known, and a model learns how u acts on all.
        limit: the environment clips abs(u) to this; None: it does not.
        unit: "N" or "N m" where known: u is then the generalised force itself, and learned energies are in
            joules. None: the gain is learned, and the scale of the energy stays free.
        scale: force per unit of action, for actions that are a share of the largest force.

    Raises:
        InputError: a limit or scale that is not possible, or a unit without the degree of freedom.
    """

    degree: int | None
    limit: float | None = None
    unit: str | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.degree is not None:
            whole_number(self.degree, "the degree of a control", at_least=0)
        if self.limit is not None and not (isinstance(self.limit, Real) and self.limit > 0):
            raise InputError(f"A force limit must be > 0, or None for none, not {self.limit!r}.")
        if finite_number(self.scale, "scale") == 0:
            raise InputError("The scale of a control must be finite and not 0, and it is 0.")
        if self.unit not in (None, "N", "N m"):
            raise InputError(f'The unit of a control is "N", "N m", or None where it is not known, not {self.unit!r}.')
        if self.degree is None and self.unit is not None:
            raise InputError(f"A control has a unit only where its degree of freedom is known: {self}.")
