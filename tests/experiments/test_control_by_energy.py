"""The studies of control from the learned H alone."""

from __future__ import annotations

import numpy as np

from experiments.bump_tasks import BUMP_TASKS, measure_task
from experiments.free_control import measure
from hnn_gym.envs.shipped import resolve_world


def test_the_real_pendulum_is_swung_up_and_balanced_by_the_learned_energy() -> None:
    found = measure(resolve_world("HNNPendulum-v0"), starts=range(20))
    assert found["upright_within_200_steps"] == found["upright_in_all_of_the_last_50"] == 20
    assert np.mean(found["returns"]) > -173


def test_every_task_is_solved_from_the_learned_energy_alone() -> None:
    assert {env_id: measure_task(env_id, starts=5)["solved"] for env_id in BUMP_TASKS} == {
        "SpringBump-v0": 5,
        "SpringSweepBump-v0": 5,
        "IdealPendulumBump-v0": 5,
        "TwoBodyBump-v0": 5,
    }
