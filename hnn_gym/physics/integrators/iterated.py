"""What implicit schemes have in common: their equations are solved by fixed-point iteration."""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import Dynamics
from hnn_gym.physics.integrators.base import Integrator


@dataclass(frozen=True)
class Iterated(Integrator):
    """A scheme that iterates until the last change is a rounding, for every element of the batch.

    Attributes:
        max_iterations: give up after so many iterations.
        tolerance: largest accepted change of the last iteration, in units of machine epsilon, relative to
            1 + the largest absolute value of what is iterated.

    Raises:
        InputError: no iterations, or a tolerance that is not positive.
    """

    iterates = True

    max_iterations: int = 200
    tolerance: float = 16.0

    def __post_init__(self) -> None:
        """Check that some iteration can converge."""
        super().__post_init__()
        if self.max_iterations < 1:
            raise InputError(f"{type(self).__name__} needs max_iterations >= 1, got {self.max_iterations}.")
        if not self.tolerance > 0:
            raise InputError(f"{type(self).__name__} needs tolerance > 0, got {self.tolerance}.")

    def check(self, dynamics: Dynamics) -> None:
        """Refuse dynamics without the structure that the scheme needs, and forces that jump.

        Raises:
            InputError: they lack it, or have stops that give way.
        """
        super().check(dynamics)
        if dynamics.stops is not None:
            raise InputError(
                f"{type(self).__name__} iterates, and the forces of soft stops jump where they are met: use "
                f"StopsApart({type(self).__name__}())."
            )
