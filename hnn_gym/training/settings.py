"""How a model is fitted: which loss, over which windows, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from hnn_gym.errors import InputError, finite_number, true_or_false, whole_number
from hnn_gym.models import MODELS

LOSSES = ("prediction", "shooting", "derivative")
PRECISIONS = ("float64", "float32")
GAP_WEIGHTS = (1.0, 30.0, 1_000.0, 30_000.0)
"""Weights, round by round, of the mean square of the gaps between short windows; the errors have weight 1."""


class Round(NamedTuple):
    """One round of a fit.

    Attributes:
        horizon: steps of its windows, at the most.
        gap_weight: weight of the mean square of the gaps between them; 0: windows do not have to join.
    """

    horizon: int
    gap_weight: float


@dataclass(frozen=True)
class FitSettings:
    """Settings of a fit: first Adam, which finds the basin, then L-BFGS in float64, which reaches its floor.

    Raises:
        InputError: a setting has the wrong type or is out of range.
    """

    loss: Literal["prediction", "shooting", "derivative"] = "prediction"
    """prediction: through the integrator, from the first observation of a window. shooting: the same, but the state at
    the start of every window is estimated too, for noisy data. derivative: the paper's, on finite differences."""
    horizon: int = 1
    """Steps of a window. Longer windows average noise. With shooting, an episode that is longer is cut into windows of
    at most so many steps, and a shorter one is a window of its own; whole episodes are best, up to some 200 steps."""
    first_horizon: int | None = None
    """Shooting over long windows has many minima. Begin with windows of at most so many steps and a penalty on the gaps
    between them that grows round by round, then start the long windows from there. 10 is good, because errors have to
    stay small within a window. None: begin with the long windows."""
    zeros: bool = False
    """With shooting, for encoders that count from where a machine stood when it was switched on: the zero of every
    position is estimated too, one for each episode. Gravity, or an inertia that changes, has to tell where it is."""
    decay: float = 1e-10
    """Weight decay: the sum of the squares of all network weights times this is added to the loss. About 1e-10 on exact
    data; on noisy data 1e-6 to 1e-2, more where there are few transitions, much noise or no physics in the model."""
    adam_steps: int = 300
    """Steps of Adam, in the first round of windows only."""
    learning_rate: float = 1e-2
    """Learning rate of Adam, which falls to a tenth along a cosine."""
    batch_size: int | None = None
    """Windows in a step of Adam; None: all of them."""
    lbfgs_steps: int = 1500
    """Largest number of iterations of L-BFGS, always over all windows."""
    least_squares_steps: int = 0
    """Largest number of steps of Levenberg-Marquardt after that, always over all windows. For some hundred parameters
    40 of them do more than a thousand iterations of L-BFGS, and noisy data need nothing else."""
    starts: int = 1
    """How often a fit is begun; the end with the least objective is kept. Dry friction makes many minima: try four
    starts. Networks begin with other weights, and other models with other numbers around those of the first start."""
    stream_above: int = 20_000
    """Transitions that are fitted as a whole. Of a larger recording a sample of so many is, and then minibatches of all
    of it are read as they are needed. With shooting, which estimates a state for each window, all of it is fitted."""
    passes: int = 1
    """Passes over a larger recording."""
    precision: Literal["float64", "float32"] = "float64"
    """Of the numbers in these passes. All other parts of a fit are in float64."""
    final_steps: int = 20
    """Largest number of steps of Levenberg-Marquardt after these passes, on a part of the sample: 50 observed values
    for each parameter."""
    seed: int = 0
    """Seed of initial weights and batches."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.loss not in LOSSES:
            raise InputError(f"There is no loss {self.loss!r}: choose prediction, shooting or derivative.")
        least = {"horizon": 1, "adam_steps": 0, "lbfgs_steps": 0, "least_squares_steps": 0, "seed": 0}
        least |= {"starts": 1, "stream_above": 1, "passes": 0, "final_steps": 0}
        if self.precision not in PRECISIONS:
            raise InputError(f"There is no precision {self.precision!r}: choose float64 or float32.")
        for name, at_least in least.items():
            self._set(name, whole_number(getattr(self, name), name, at_least=at_least))
        for name in ("first_horizon", "batch_size"):
            if getattr(self, name) is not None:
                self._set(name, whole_number(getattr(self, name), name, at_least=1))
        self._set("decay", finite_number(self.decay, "decay", at_least=0.0))
        self._set("learning_rate", finite_number(self.learning_rate, "learning_rate", above=0.0))
        if self.first_horizon is not None and (self.loss != "shooting" or self.first_horizon > self.horizon):
            raise InputError(
                "first_horizon, which for_noisy_data() and --noisy set, needs loss='shooting' and is at most the "
                f"horizon: it is {self.first_horizon}, with loss={self.loss!r} and horizon {self.horizon}."
            )
        true_or_false(self.zeros, "zeros")
        if self.zeros and self.loss != "shooting":
            raise InputError(
                f"zeros=True (--zeros) needs loss='shooting', which --noisy sets, and the loss is {self.loss!r}."
            )
        if self.loss == "shooting" and self.batch_size is not None:
            raise InputError("shooting estimates the starts of all windows at once: leave batch_size out.")

    @classmethod
    def for_noisy_data(cls) -> FitSettings:
        """Settings for recordings whose sensors are noisy.

        The start of every window is estimated: first of windows of 10 steps, which a growing penalty on their gaps
        joins, then of whole episodes, or of pieces of at most 200 steps where episodes are longer. They come from the
        study of Pendulum-v1 (``experiments/sample_efficiency``), and the decay is for an HNN, some hundred transitions
        and noise of 1 to 5 %: ``dataclasses.replace(settings, decay=...)`` sets another.
        """
        return cls(
            loss="shooting",
            horizon=200,
            first_horizon=10,
            adam_steps=100,
            lbfgs_steps=0,
            least_squares_steps=60,
            decay=1e-5,
        )

    @classmethod
    def without_networks(cls, seed: int = 0) -> FitSettings:
        """Settings for models without networks, whose fit begins near its end: Levenberg-Marquardt alone."""
        return cls(adam_steps=0, lbfgs_steps=0, least_squares_steps=60, seed=seed)

    @classmethod
    def for_model(cls, kind: str, seed: int = 0) -> FitSettings:
        """The settings of a fit of exact data where none are given; those of any kind that does not exist."""
        model = MODELS.get(kind) if isinstance(kind, str) else None
        return cls(seed=seed) if model is None or model.networks else cls.without_networks(seed)

    def rounds(self, longest: int) -> tuple[Round, ...]:
        """The rounds of a fit to episodes of at most ``longest`` steps: short windows with each gap weight, then long.

        Where every episode is one short window, or the settings name no first horizon, there is one round.
        """
        last = Round(self.horizon, 0.0)
        if self.first_horizon is None or min(longest, self.horizon) <= self.first_horizon:
            return (last,)
        return (*(Round(self.first_horizon, weight) for weight in GAP_WEIGHTS), last)

    def of_round(self, horizon: int) -> FitSettings:
        """The settings of the fit of one round, of windows of at most ``horizon`` steps."""
        return replace(self, horizon=horizon, first_horizon=None)

    def _set(self, name: str, value: float) -> None:
        object.__setattr__(self, name, value)  # a number of NumPy becomes Python's, which JSON can hold
