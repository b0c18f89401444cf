"""How a model is fitted: which loss, over which windows, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hnn_gym.errors import InputError

GAP_WEIGHTS = (1.0, 30.0, 1_000.0, 30_000.0)
"""Of the mean square of the gaps between short windows, against that of the errors, round by round."""


@dataclass(frozen=True)
class FitSettings:
    """Settings of a fit: Adam first, to find the basin, then L-BFGS in float64, to reach its floor."""

    loss: Literal["prediction", "shooting", "derivative"] = "prediction"
    """prediction: through the integrator, from the first observation of a window. shooting: the same with the
    initial states estimated too, for noisy data. derivative: the paper's, on finite differences."""
    horizon: int = 1
    """Steps of a window. Longer ones average noise: with shooting, whole episodes are best, such as 200."""
    first_horizon: int | None = None
    """Shooting over long windows has many minima: begin with windows of so many steps, a divisor of the horizon, with
    a penalty on the gaps between them that grows round by round, and start the long ones from there. 10 is good: errors
    must stay small within. None: at once."""
    decay: float = 1e-10
    """Weight decay: added to the loss times the sum of squares of all network weights. About 1e-10 on clean
    data, 1e-5 and more on noisy data."""
    adam_steps: int = 300
    """Steps of Adam, in the first round of windows alone."""
    learning_rate: float = 1e-2
    """Adam's, falling to a tenth along a cosine."""
    batch_size: int | None = None
    """Windows in a step of Adam; None: all of them."""
    lbfgs_steps: int = 1500
    """Iterations of L-BFGS, at the most; always over all windows."""
    least_squares_steps: int = 0
    """Steps of Levenberg-Marquardt after that, at the most; always over all windows. For some hundred parameters, 40 do
    more than a thousand of L-BFGS, and on noisy data they are all it takes."""
    seed: int = 0
    """For initial weights and batches."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.loss not in ("prediction", "shooting", "derivative"):
            raise InputError(f"There is no loss {self.loss!r}: choose prediction, shooting or derivative.")
        if self.horizon < 1:
            raise InputError(f"horizon must be at least 1 step, got {self.horizon}.")
        if min(self.adam_steps, self.lbfgs_steps, self.least_squares_steps) < 0:
            raise InputError("adam_steps, lbfgs_steps and least_squares_steps must not be negative.")
        if self.first_horizon is not None and (
            self.loss != "shooting" or self.first_horizon < 1 or self.horizon % self.first_horizon
        ):
            raise InputError(
                f"first_horizon is for shooting, and must divide the horizon {self.horizon}, and {self.first_horizon} "
                "does not."
            )
        if not (self.decay >= 0 and self.learning_rate > 0):
            raise InputError("decay must be >= 0 and learning_rate > 0.")
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"batch_size must be at least 1, got {self.batch_size}.")
        if self.loss == "shooting" and self.batch_size is not None:
            raise InputError("shooting estimates the start of every window at once: leave batch_size out.")

    @property
    def rounds(self) -> int:
        """How often windows are fitted: once; or short ones with each gap weight, then long ones."""
        return 1 if self.first_horizon in (None, self.horizon) else 1 + len(GAP_WEIGHTS)

    @property
    def beginning(self) -> FitSettings:
        """The settings of the fit of the first, shorter windows."""
        return replace(self, horizon=self.first_horizon or self.horizon, first_horizon=None)
