"""How a world is learned from frames."""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.errors import InputError, finite_number, whole_number
from hnn_gym.training.settings import FitSettings


@dataclass(frozen=True)
class PixelSettings:
    """Settings of learning from frames.

    Raises:
        InputError: a setting has the wrong type or is out of range.
    """

    horizons: tuple[int, ...] = (5, 10, 20, 40)
    """Steps of the windows in each round, at the most. Short ones find the basin, long ones the last digits."""
    steps: int = 20
    """Largest number of least-squares steps in a round."""
    adam_steps: int = 100
    """Steps of Adam before the first round."""
    learning_rate: float = 2e-2
    """Learning rate of Adam."""
    decay: float = 2e-12
    """Weight decay, as in :class:`hnn_gym.training.FitSettings`."""
    warp: int = 8
    """Harmonics of the change of the coordinate."""
    harmonics: int = 48
    """Harmonics of the pictures; half of them in the first round."""
    blur: float | None = None
    """Width of the blur for the first guess, as a share of the frame's height; None: 0.14 on a circle, else 0.5."""
    reward_hidden: tuple[int, ...] = (32,)
    """Hidden layers of the reward."""
    reward_steps: int = 40
    """Least-squares steps of the reward."""
    seed: int = 0
    """Seed of initial weights."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, least in (("horizons", 2), ("reward_hidden", 1)):
            values = getattr(self, name)
            if not isinstance(values, tuple | list) or not values:
                raise InputError(f"{name} must be a tuple of whole numbers, got {values!r}.")
            for value in values:
                whole_number(value, f"every entry of {name}", at_least=least)
        at_least = {"steps": 1, "warp": 1, "reward_steps": 1, "adam_steps": 0, "harmonics": 2, "seed": 0}
        for name, least in at_least.items():
            whole_number(getattr(self, name), name, at_least=least)
        finite_number(self.decay, "decay", at_least=0.0)
        finite_number(self.learning_rate, "learning_rate", above=0.0)
        if self.blur is not None:
            finite_number(self.blur, "blur", above=0.0)

    def of_round(self, horizon: int) -> FitSettings:
        """The settings of the fit of one round, of windows of at most ``horizon`` steps."""
        return FitSettings(
            loss="shooting",
            horizon=horizon,
            decay=self.decay,
            adam_steps=self.adam_steps,
            learning_rate=self.learning_rate,
            lbfgs_steps=0,
            least_squares_steps=self.steps,
            seed=self.seed,
        )
