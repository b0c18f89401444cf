"""The chains of poles are the published ones, and a world learned from random steps can be planned in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from experiments.lagrangian_rl import control
from experiments.lagrangian_rl.figure import returns_of_both
from experiments.lagrangian_rl.systems import SYSTEMS
from hnn_gym.agents import TrajectorySettings
from hnn_gym.studies import Results

STEPS = [
    ("Pendulum", (0.7, -1.3), (0.4,), (0.6754099616, -1.159624695), 0.8867930864),
    ("Pendulum", (3.12, 5.0), (1.5,), (-3.06280846, 5.034409537), 0.00144566114),
    (
        "Reacher",
        (0.3, -0.5, 0.7, -1.1),
        (0.6, -0.3),
        (0.3142868453, -0.5227694467, 0.7284444755, -1.176161379),
        0.9808427772,
    ),
    ("Reacher", (-3, 3, -9, 20), (0.25, 0.5), (3.103362754, -2.883009482, -8.988335928, 20.17575111), 0.3672738299),
    ("Cartpole", (-1.1, 2.5, 0.6, -3), (-0.8,), (-1.094350235, 2.47002802, 0.5300010185, -2.993437526), 0.07948411005),
    ("Cartpole", (2.3, -3, -2, -15), (1,), (2.280434227, 3.133766364, -1.910237313, -14.87556289), 9.798283094e-07),
    (
        "Acrobot",
        (0.3, -0.5, 0.7, -1.1),
        (0.6,),
        (0.3057608662, -0.5066901764, 0.4529543176, -0.2404042472),
        0.9827945711,
    ),
    ("Acrobot", (-3, 3, -9, 20), (0.25,), (-3.089930483, -3.08292169, -8.980279643, 20.09876605), 0.3718278089),
    (
        "Cart-2-pole",
        (-1.1, 2.5, 1.2, 0.6, -3, 2),
        (-0.8,),
        (-1.09432982, 2.47027136, 1.218152815, 0.5340708739, -2.945031887, 1.630538896),
        0.06645652147,
    ),
    (
        "Cart-3-pole",
        (0.3, 0.5, -0.4, 0.2, -0.2, 0.4, 0.9, -0.6),
        (0.35, -0.5),
        (
            0.2981063512,
            0.5040934655,
            -0.3903428255,
            0.1912998954,
            -0.1787169576,
            0.4179878485,
            1.033496656,
            -1.142449059,
        ),
        0.9405941806,
    ),
    (
        "Acro-3-bot",
        (2.8, 0.4, -1.2, -1.5, 2.5, 1),
        (-1, 0.8),
        (2.785621043, 0.4224702903, -1.184466705, -1.377022459, 1.994175282, 2.107802796),
        0.1023775516,
    ),
]
"""States (q, v), actions, next states and rewards of the published simulators."""


@pytest.mark.parametrize(("name", "state", "action", "expected", "reward"), STEPS)
def test_a_step_and_its_reward_are_those_of_the_published_simulator(name, state, action, expected, reward):
    system = SYSTEMS[name]
    world, task = system.true_world(), system.task_for()
    q, v = np.split(np.array(state, float), 2)
    next_q, next_v = world.state(world.step(world.phase_point(q, v), np.array(action, float)))
    turned = np.where(world.coordinates.angles, (next_q + np.pi) % (2 * np.pi) - np.pi, next_q)
    # Nine digits, and turns that are counted here and not there.
    np.testing.assert_allclose(np.concatenate([turned, next_v]), expected, rtol=2e-9, atol=2e-9)
    assert float(task.reward(q, v, np.array(action), next_q, next_v)) == pytest.approx(reward, rel=2e-8)


def test_the_figure_has_a_bar_for_each_task_and_world_that_was_measured():
    found = Results(None, command="a test")
    for task in ("Cartpole", "Acrobot"):
        for structure, earned in (("chain", 800.0), ("second-order network", 90.0)):
            found[f"{task}/10000/{structure}/0"] = {"returns": [earned, earned + 2]}
    found["Pendulum/10000/chain/0"] = {"returns": [700.0]}  # without the other world there is nothing to compare
    (ax,) = returns_of_both(found, {"Cartpole": 900.0, "Acrobot": 912.0, "Pendulum": 787.0}).axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["Cartpole", "Acrobot"]
    assert [bar.get_height() for bar in ax.patches] == [801.0, 801.0, 91.0, 91.0]


@dataclass
class Promise:
    """Stands in for a plan."""

    cost: float
    earns: float


def searched(monkeypatch, found: dict[int, list[Promise]], *, times: int, most: int = 0):
    """What is reported of searches that find these plans, by the seeds of the first plans."""
    monkeypatch.setattr(control, "optimised", lambda *_, seed, **__: found[seed])
    monkeypatch.setattr(control, "TrackedTrajectory", lambda world, task, plan, hold: plan)
    monkeypatch.setattr(control, "returns", lambda world, task, plan, numbers: np.full(len(numbers), plan.earns))
    search = control.Search(TrajectorySettings(), times=times, most=most)
    return control.earned("Pendulum", SYSTEMS["Pendulum"].true_world(), seed=2, search=search, episodes=4)


def test_of_several_searches_the_plan_that_earns_the_most_in_the_dream_is_followed(monkeypatch):
    plans = {
        2: [Promise(90, 300), Promise(95, 10)],
        1002: [Promise(80, 20), Promise(99, 500)],
        2002: [Promise(70, 400)],
    }
    found = searched(monkeypatch, plans, times=3)
    assert found["dream"] == 500.0
    assert found["returns"] == [500.0] * 4


@pytest.mark.parametrize(
    ("second", "searches"),
    [
        (Promise(100, 880), 2),  # 900 promised and 880 earned
        (Promise(100, 860), 3),
        (Promise(700, 300), 3),  # a promise of less than half is not worth keeping
    ],
)
def test_a_search_is_repeated_where_no_plan_has_kept_its_promise(monkeypatch, second, searches):
    plans = {2: [Promise(100, 300)], 1002: [second], 2002: [Promise(120, 10)]}
    assert searched(monkeypatch, plans, times=1, most=3)["searches"] == searches
