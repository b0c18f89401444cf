"""Episodes made of numbers that say where they stand, and an environment that returns them."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

from hnn_gym.data import Episode, Provenance, TransitionDataset


def make_episode(number: int, steps: int) -> Episode:
    """Return an episode whose observation in row t is (number, t), and whose action t is 1000 number + t."""
    moments, times = np.arange(steps + 1, dtype=np.float64), np.arange(steps, dtype=np.float64)
    return Episode(
        observation=np.stack([np.full(steps + 1, number), moments], axis=1).astype(np.float32),
        action=(1000 * number + times)[:, None].astype(np.float32),
        reward=-times / 3,
        terminated=np.zeros(steps, bool),
        truncated=times == steps - 1,
        time=moments * 0.1,
        state=np.stack([moments / 7, moments, -moments], axis=1),
        frame=np.broadcast_to(moments.astype(np.uint8)[:, None, None, None], (steps + 1, 4, 5, 3)).copy(),
        energy=moments / 3,
    )


PROVENANCE = Provenance(
    env_id="Counter-v0",
    observation_space=Box(np.array([-np.inf, 0], np.float32), np.array([np.inf, 9], np.float32)),
    action_space=Box(-2, 2, (1,), np.float32),
    env_kwargs={"length": 2.5},
    dt=0.1,
    seed=7,
    policy="zero",
    coordinates={"positions": [0], "velocities": [1]},
)


@pytest.fixture
def episodes() -> Callable[[Sequence[int]], list[Episode]]:
    """Make episodes of the given numbers of steps."""
    return lambda lengths: [make_episode(number, steps) for number, steps in enumerate(lengths)]


@pytest.fixture
def provenance() -> Provenance:
    """Where the made episodes come from."""
    return PROVENANCE


@pytest.fixture(scope="session")
def dataset() -> Callable[[Sequence[int]], TransitionDataset]:
    """Make a dataset of episodes of the given numbers of steps."""
    return lambda lengths: TransitionDataset.from_episodes(
        [make_episode(number, steps) for number, steps in enumerate(lengths)], PROVENANCE
    )


class Counter(gymnasium.Env[np.ndarray, np.ndarray]):
    """Counts its steps, in one buffer that it uses again and again; terminates at ``limit``."""

    def __init__(self, limit: int = 5, **overrides: Any) -> None:
        self.observation_space = Box(-1e3, 1e3, (2,), np.float32)
        self.action_space = Box(-2, 2, (1,), np.float32)
        self.limit = limit
        self.state = np.zeros(3)
        self.actions: list[np.ndarray] = []
        self._buffer = np.zeros(2, np.float32)
        for name, value in overrides.items():
            setattr(self, name, value)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Start counting at 0."""
        super().reset(seed=seed)
        self._buffer[:] = 0, 0 if seed is None else seed
        self.state = np.array([1 / 3, 0.0, 0.0])
        return self._buffer, {"seed": seed}

    def step(self, action: np.ndarray) -> Any:
        """Count."""
        self.actions.append(action)
        self._buffer[0] += 1
        self.state += 1 / 3
        return self._buffer, -float(self._buffer[0]), bool(self._buffer[0] >= self.limit), False, {}

    def render(self) -> Any:
        """Return a frame as bright as the count."""
        return np.full((4, 5, 3), int(self._buffer[0]), np.uint8)


@pytest.fixture
def counter() -> type[Counter]:
    """The counting environment's class."""
    return Counter
