"""How a world is learned from frames."""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.errors import InputError


@dataclass(frozen=True)
class PixelSettings:
    """Settings of learning from frames."""

    horizons: tuple[int, ...] = (5, 10, 20, 40)
    """Steps of the windows in each round. Short ones find the basin, long ones the last digits."""
    steps: int = 20
    """Least-squares steps of a round, at the most."""
    adam_steps: int = 100
    """Steps of Adam before the first round."""
    learning_rate: float = 2e-2
    """Adam's."""
    decay: float = 1e-4
    """Weight of the networks' weights among residuals in rad."""
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
    """For initial weights."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not self.horizons or min(self.horizons) < 2:
            raise InputError(f"horizons must be of at least 2 steps, and are {self.horizons}.")
        if min(self.steps, self.warp, self.reward_steps) < 1 or self.adam_steps < 0 or self.harmonics < 2:
            raise InputError("steps, warp and reward_steps must be at least 1, harmonics 2, adam_steps not negative.")
        if not (self.decay >= 0 and self.learning_rate > 0 and (self.blur is None or self.blur > 0)):
            raise InputError("decay must be >= 0, learning_rate and blur > 0.")
