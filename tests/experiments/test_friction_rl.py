"""The tasks with friction are the published ones, and a world learned from random steps can be acted in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from experiments.friction_rl.agents import AGENTS, returns
from experiments.friction_rl.command import Settings, study
from experiments.friction_rl.systems import SYSTEMS
from experiments.friction_rl.worlds import STEPS
from hnn_gym.agents.trajectory import TrajectorySettings

GOLDEN = [
    ("Pendulum", (0.7, -1.3), (0.4,), (0.6667831633, -0.6643367346), -0.65964, False),
    ("Pendulum", (-2.5, 6.0), (-0.85,), (-2.242692705, 5.146145892), -9.85289, False),
    ("Pendulum", (3.0, 7.9), (1.0,), (3.405417000, 8.108340006), -15.245, False),
    ("Pendulum-sw", (0.7, -1.3), (0.4,), (0.6667831633, -0.6643367346), -0.65964, False),
    ("Pendulum-sw", (-2.5, 6.0), (-0.85,), (-2.242692705, 5.146145892), -9.85289, False),
    ("Pendulum-sw", (1.5, 7.9), (1.0,), (1.9, 8.0), -8.495, False),
    (
        "CartPole",
        (0.3, 0.05, -0.2, 0.4),
        (0.35,),
        (0.2973951386, 0.05610778497, -0.1302430706, 0.3053892487),
        1.0,
        False,
    ),
    (
        "CartPole",
        (-1.1, -0.12, 0.6, -0.7),
        (-0.8,),
        (-1.091132881, -0.1298703806, 0.4433559422, -0.493519029),
        1.0,
        False,
    ),
    ("CartPole", (2.39, 0.2, 1.0, 0.9), (1.0,), (2.413810029, 0.2133510519, 1.190501472, 0.6675525952), 1.0, True),
    (
        "CartPole-sw",
        (0.3, 0.05, -0.2, 0.4),
        (0.35,),
        (0.2973951386, 0.05610778497, -0.1302430706, 0.3053892487),
        0.7010883978,
        False,
    ),
    (
        "CartPole-sw",
        (-1.1, 2.5, 0.6, -3.0),
        (-0.8,),
        (-1.090816406, 2.440854498, 0.4591797168, -2.957275096),
        0.4787668442,
        False,
    ),
    (
        "CartPole-sw",
        (1.2, -4.0, -2.0, 5.0),
        (1.0,),
        (1.164236708, -3.892596056, -1.788164623, 5.370197197),
        0.09072790245,
        False,
    ),
    (
        "Acrobot",
        (0.3, -0.5, 0.7, -1.1),
        (0.6,),
        (0.3322306642, -0.5184436059, 0.1611533209, -0.09221802935),
        -1.0,
        False,
    ),
    (
        "Acrobot",
        (2.8, 0.4, -1.5, 2.5),
        (-1.0,),
        (2.439602371, 0.9415978797, -1.801988144, 2.707989399),
        0.0,
        True,
    ),
    (
        "Acrobot",
        (-3.0, 3.0, -9.0, 20.0),
        (0.25,),
        (1.653163596, 0.4063894694, -8.150108558, 18.44787388),
        -1.0,
        False,
    ),
    (
        "Acrobot-sw",
        (0.3, -0.5, 0.7, -1.1),
        (0.6, -0.3),
        (0.3349719032, -0.5184436059, 0.1748595159, -0.09221802935),
        -0.9638178871,
        False,
    ),
    (
        "Acrobot-sw",
        (2.8, 0.4, -1.5, 2.5),
        (-1.0, 0.8),
        (2.43236429, 0.9415978797, -1.838178552, 2.707989399),
        0.8659940472,
        False,
    ),
    (
        "Acrobot-sw",
        (-3.0, 3.0, -9.0, 20.0),
        (0.25, 0.5),
        (-4.637989815, 6.689574777, -8.189949076, 18.44787388),
        0.2684045474,
        False,
    ),
]
"""States (q, v), actions, next states, rewards and terminations of the published simulators."""

STARTS = [
    ("Pendulum", 0, (0.86055566, -0.46042657)),
    ("Pendulum", 1, (0.074277459, 0.90092739)),
    ("Pendulum-sw", 0, (-3.1147003, -0.46042657)),
    ("Pendulum-sw", 1, (-3.1392715, 0.90092739)),
    ("CartPole", 0, (0.013696169, -0.045902648, -0.023021329, -0.048347236)),
    ("CartPole-sw", 1, (0.0011821625, 3.1060086, 0.04504637, 0.044864945)),
    ("Acrobot", 0, (2 * 0.013696169, 2 * -0.023021329, 2 * -0.045902648, 2 * -0.048347236)),
]
"""States after ``reset(seed)``."""


@pytest.mark.parametrize(("name", "state", "action", "expected", "reward", "ended"), GOLDEN)
def test_a_step_its_reward_and_its_end_are_those_of_the_published_simulator(
    name, state, action, expected, reward, ended
):
    system = SYSTEMS[name]
    world, task = system.true_world(), system.task_for()
    q, v = np.split(np.array(state), 2)
    force = world.coordinates.force(np.array(action))
    next_q, next_v = world.state(world.step(world.phase_point(q, v), np.array(action)))
    turned = next_q
    if name == "Acrobot":  # the published simulator wraps the angles of this one
        turned = (next_q + np.pi) % (2 * np.pi) - np.pi
    # All digits that are given: ten, of which the last may be rounded.
    np.testing.assert_allclose(np.concatenate([turned, next_v]), expected, rtol=6e-10, atol=6e-11)
    assert float(task.reward(q, v, force, next_q, next_v)) == pytest.approx(reward, rel=6e-10)
    assert bool(task.terminated(next_q, next_v)) == ended


@pytest.mark.parametrize(("name", "seed", "state"), STARTS)
def test_starts_are_those_of_the_published_simulator(name, seed, state):
    task = SYSTEMS[name].task_for()
    start = np.concatenate(task.initial(np.random.default_rng(seed), {}))
    np.testing.assert_allclose(start, state, rtol=2e-7)  # eight digits, and float32 in the acrobot


def test_the_published_cart_pole_swing_up_pays_hanging_and_standing_alike_and_ours_does_not():
    level, raised = SYSTEMS["CartPole-sw"].task_for(), SYSTEMS["CartPole raised"].task_for()
    still, places = np.zeros(2), {"hanging": np.pi, "upright": 0.0, "level": np.pi / 2}
    q = {name: np.array([-0.5 * np.sin(angle), angle]) for name, angle in places.items()}
    earned = {
        name: [float(task.reward(at, still, still[:1], at, still)) for task in (level, raised)]
        for name, at in q.items()
    }
    # exp(-1/4) at both ends and 1 between; and 1 upright, exp(-1/4) level, exp(-1) hanging.
    np.testing.assert_allclose(earned["hanging"], [np.exp(-0.25), np.exp(-1.0)])
    np.testing.assert_allclose(earned["upright"], [np.exp(-0.25), 1.0])
    np.testing.assert_allclose(earned["level"], [1.0, np.exp(-0.25)])


def test_a_speed_of_the_acrobot_is_clipped_after_its_position_has_moved_and_that_of_the_pendulum_before():
    acrobot, pendulum = SYSTEMS["Acrobot"].true_world(), SYSTEMS["Pendulum-sw"].true_world()
    q, v = acrobot.state(acrobot.step(acrobot.phase_point(np.zeros(2), np.array([0.0, 30.0])), np.zeros(1)))
    assert v[1] == pytest.approx(9 * np.pi)
    assert q[1] > 0.2 * 9 * np.pi + 0.1
    q, v = pendulum.state(pendulum.step(pendulum.phase_point(np.array([1.5]), np.array([7.9])), np.ones(1)))
    np.testing.assert_allclose([q[0], v[0]], [1.9, 8.0])


def test_the_study_learns_a_pendulum_from_random_steps_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setitem(STEPS, "Pendulum", 60)
    settings = Settings(out=tmp_path / "found.json", tasks=("Pendulum",), structures=("chain",), seeds=(0,), starts=3)
    (cell,) = study(settings, console=Console(quiet=True)).below("").values()
    # The best from these starts; a pendulum that is not held costs 1,600.
    assert cell["mean"] > -400
    assert cell["one_step_error"] < 1e-6  # float32 in the observations
    monkeypatch.setattr("experiments.friction_rl.command.model", None)  # a cell that is there is not computed again
    assert study(settings, console=Console(quiet=True)).below("")


def test_a_tip_is_raised_by_a_plan_that_is_chosen_in_the_dream():
    world, task = SYSTEMS["Acrobot"].true_world(), SYSTEMS["Acrobot"].task_for()
    planned = replace(
        AGENTS["Acrobot"], settings=TrajectorySettings(share=0.98, drawn=60, plans=2, rounds=6, waves=24, pumping=0.5)
    )
    numbers = np.random.default_rng(0).random((4, 4))
    # Episodes end when the tip is high enough, or after 500 steps; energy pumping alone takes 137.
    assert returns(world, task, planned(world, task, 0), numbers).mean() > -250
