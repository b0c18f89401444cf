"""Copies draw their starts ahead, and nobody can tell: they are those of single environments seeded alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import pytest

from hnn_gym import InputError, SimulatorEnv
from hnn_gym.envs import SimulatorVectorEnv
from hnn_gym.systems import PendulumSwingUp

IDLE = np.zeros((3, 1))


def _singles(**kwargs: Any) -> list[Any]:
    return [SimulatorEnv("HNNPendulum-v0", **kwargs) for _ in range(3)]


def test_a_hundred_episodes_of_every_copy_begin_where_the_single_environments_do() -> None:
    envs, singles = SimulatorVectorEnv("HNNPendulum-v0", num_envs=3, max_episode_steps=1), _singles()
    expected = [env.reset(seed=5 + i)[0] for i, env in enumerate(singles)]
    np.testing.assert_array_equal(envs.reset(seed=5)[0], expected)
    for _ in range(100):  # three blocks and more
        assert envs.step(IDLE)[3].all()
        np.testing.assert_array_equal(envs.step(IDLE)[0], [env.reset()[0] for env in singles])


def test_options_masks_and_seeds_in_between_find_the_generators_where_they_should_be() -> None:
    envs, singles = SimulatorVectorEnv("HNNPendulum-v0", num_envs=3), _singles()
    envs.reset(seed=0)
    for i, env in enumerate(singles):
        env.reset(seed=i)
    options = {"x_init": 0.3, "y_init": 2.0}
    np.testing.assert_array_equal(envs.reset(options=options)[0], [env.reset(options=options)[0] for env in singles])
    with pytest.raises(InputError, match="x_init"):
        envs.reset(options={"x_init": -1.0})
    mask = np.array([False, True, False])
    seen = envs.reset(options={"reset_mask": mask})[0]
    np.testing.assert_array_equal(seen[1], singles[1].reset()[0])
    seen = envs.reset(seed=[None, None, 9])[0]
    np.testing.assert_array_equal(seen, [singles[0].reset()[0], singles[1].reset()[0], singles[2].reset(seed=9)[0]])


class _FromTheBottom(PendulumSwingUp):
    """Draws otherwise than the task it is a subclass of."""

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        return np.array([np.pi]), rng.normal(size=1)


def test_a_subclass_that_draws_its_own_starts_is_asked_for_them() -> None:
    envs, singles = (
        SimulatorVectorEnv("HNNPendulum-v0", num_envs=3, task=_FromTheBottom()),
        _singles(task=_FromTheBottom()),
    )
    for k in range(3):
        seed = 4 if k == 0 else None
        expected = [env.reset(seed=None if seed is None else seed + i)[0] for i, env in enumerate(singles)]
        np.testing.assert_array_equal(envs.reset(seed=seed)[0], expected)
        assert envs.unwrapped.batch.x[:, 0] == pytest.approx(np.pi)


def test_copies_that_are_not_seeded_start_apart() -> None:
    envs = gymnasium.make_vec("HNNPendulum-v0", num_envs=50)
    assert len(np.unique(envs.reset()[0][:, 2])) == 50
