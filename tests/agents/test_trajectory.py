"""A planned trajectory is the world's own motion, gets cheaper, and is followed from neighbouring starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box

from hnn_gym.agents.first_plans import moved, paths
from hnn_gym.agents.gap_ilqr import Improvement
from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.traced_step import TracedStep
from hnn_gym.agents.trajectory import TrackedTrajectory, Trajectory, TrajectorySettings, optimised
from hnn_gym.errors import InputError
from hnn_gym.systems import SYSTEMS, true_world

WORLD, TASK = true_world("Pendulum-v1"), SYSTEMS["Pendulum-v1"].task_for()
START = np.array([-1.0, 0.0, 0.0])
SETTINGS = TrajectorySettings(horizon=60, plans=12, rounds=40)


@pytest.fixture(scope="module")
def hold() -> LinearQuadratic:
    return LinearQuadratic(WORLD, position=np.zeros(1))


@pytest.fixture(scope="module")
def plans(hold: LinearQuadratic) -> list[Trajectory]:
    return optimised(WORLD, TASK, START, hold, settings=SETTINGS)


def followed(agent: TrackedTrajectory, start: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """States and actions of an agent in the world."""
    x, state, states, actions = WORLD.encode(start), None, [], []
    for _ in range(steps):
        states.append(np.concatenate(WORLD.state(x), axis=-1))
        action, state = agent.predict(WORLD.decode(x), state)
        actions.append(action)
        x = WORLD.step(x, action)
    return np.array(states), np.array(actions)


def test_the_planned_states_are_those_to_which_the_planned_actions_lead(plans, hold) -> None:
    states, actions = followed(TrackedTrajectory(WORLD, TASK, plans[0], hold), START, 60)
    np.testing.assert_allclose(np.cos(states[:, 0]), np.cos(plans[0].states[:60, 0]), atol=1e-7)
    np.testing.assert_allclose(actions, 2.0 * plans[0].actions, atol=1e-6)


def test_the_best_plan_swings_up_and_the_linear_controller_holds_from_neighbouring_starts(plans, hold) -> None:
    angle = np.pi + 0.05 * np.random.default_rng(0).normal(size=20)
    starts = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    states, actions = followed(TrackedTrajectory(WORLD, TASK, plans[0], hold), starts, 120)
    assert np.cos(states[-30:, :, 0]).min() > 0.99
    assert np.abs(actions).max() <= 2.0


def test_random_plans_that_push_along_the_motion_end_with_more_energy_than_others(hold) -> None:
    ends = {
        share: optimised(WORLD, TASK, START, hold, settings=replace(SETTINGS, drawn=40, pumping=share, rounds=0))[0]
        for share in (0.0, 1.0)
    }
    energy = {
        share: WORLD.energy(WORLD.phase_point(*np.split(plan.states, 2, axis=-1))) for share, plan in ends.items()
    }
    assert energy[1.0].max() > energy[0.0].max() + 1.0  # J, of 10 between hanging and the upright


def test_the_rows_of_a_batch_may_be_at_different_steps_of_a_plan_and_start_again_one_by_one(plans, hold) -> None:
    agent = TrackedTrajectory(WORLD, TASK, plans[0], hold)
    both = np.stack([START, START])
    _, state = agent.predict(both)
    _, state = agent.predict(both, state)
    action, state = agent.predict(both, state, episode_start=np.array([False, True]))
    np.testing.assert_array_equal(state, [3, 1])
    np.testing.assert_allclose(action[1], 2.0 * plans[0].actions[0], atol=1e-12)  # the start is that of the plan


def test_a_plan_without_a_goal_ends_in_rest(plans) -> None:
    action, _ = TrackedTrajectory(WORLD, TASK, plans[0]).predict(START, np.array(len(plans[0].actions)))
    np.testing.assert_array_equal(action, [0.0])


def test_more_rounds_make_the_best_plan_cheaper_and_plans_come_in_the_order_of_their_costs(plans, hold) -> None:
    first = optimised(WORLD, TASK, START, hold, settings=replace(SETTINGS, rounds=0))
    assert plans[0].cost < 0.9 * first[0].cost
    assert [plan.cost for plan in plans] == sorted(plan.cost for plan in plans)


@pytest.mark.parametrize("rows", [1, 700])
def test_the_traced_step_is_the_step_of_the_world(rows: int) -> None:
    rng = np.random.default_rng(1)
    s, a = rng.normal(size=(rows, 2)), rng.uniform(-1, 1, (rows, 1))
    after, reward = TracedStep(WORLD, TASK)(s, a)
    x = WORLD.phase_point(s[:, :1], s[:, 1:])
    q, v = WORLD.state(WORLD.step(x, 2.0 * a))
    np.testing.assert_allclose(after, np.concatenate([q, v], axis=-1), atol=1e-12)
    np.testing.assert_allclose(reward, TASK.reward(s[:, :1], s[:, 1:], 2.0 * a, q, v), atol=1e-12)


def test_actions_without_symmetric_limits_are_refused() -> None:
    class OneSided(type(TASK)):
        action_space = Box(0.0, 2.0, (1,), np.float32)

    with pytest.raises(InputError, match="between -limit and limit"):
        TracedStep(WORLD, OneSided())


def test_a_path_leads_from_the_start_to_rest_at_the_goal_and_angles_turn_either_way() -> None:
    start, rng = np.array([np.pi, 0.0]), np.random.default_rng(0)
    found = paths(rng, WORLD, start, np.zeros(1), rows=20, steps=60, waves=4)
    np.testing.assert_array_equal(found[:, 0], np.tile(start, (20, 1)))
    np.testing.assert_allclose(np.cos(found[:, -1, 0]), 1.0)
    assert {0, 2} == set(np.round(found[:, -1, 0] / np.pi).astype(int).tolist())
    np.testing.assert_allclose(found[:, 2:-2, 1], (found[:, 3:-1, 0] - found[:, 1:-3, 0]) / (2 * WORLD.dt))


def test_a_moved_plan_has_the_same_ends_and_is_done_earlier_with_detours() -> None:
    rng, t = np.random.default_rng(0), np.linspace(0, 1, 101)
    q = np.tile((np.pi * (1 - t))[:, None], (20, 1, 1))
    actions = np.tile(t[:-1, None], (20, 1, 1))
    states, hurried = moved(rng, np.concatenate([q, 0 * q], axis=-1), actions, dt=0.05, waves=4)
    np.testing.assert_array_equal(states[:, 0], np.tile([np.pi, 0.0], (20, 1)))
    np.testing.assert_allclose(states[:, -1, 0], 0.0, atol=1e-12)
    np.testing.assert_allclose(states[:, 2:-2, 1], (states[:, 3:-1, 0] - states[:, 1:-3, 0]) / 0.1)
    done = (hurried[..., 0] < 0.985).sum(axis=1)  # steps before the last action of the old plan
    assert 79 <= done.min() <= 85
    assert 95 <= done.max() <= 100
    off = np.abs(states[..., 0] - np.pi * np.maximum(1 - np.arange(101) / done[:, None], 0)).max(axis=1)
    assert off.max() > 0.2
    assert off.min() < 0.1


def test_moved_plans_are_improved_and_of_those_that_cost_the_same_one_is_left(hold) -> None:
    few = replace(SETTINGS, drawn=4, plans=4, rounds=15)
    before, after = (optimised(WORLD, TASK, START, hold, settings=replace(few, moves=moves)) for moves in (0, 2))
    assert after[0].cost < before[0].cost - 5.0
    several = optimised(WORLD, TASK, START, hold, settings=replace(few, drawn=24, plans=12, moves=1))
    assert len(several) > 1
    assert np.diff([plan.cost for plan in several]).min() > 0.4  # the last states are changed a little by the feedback


def test_plans_that_begin_as_paths_close_their_gaps_and_come_within_the_limits(hold) -> None:
    settings = replace(SETTINGS, paths=True, loose_rounds=110, rounds=40, plans=4)
    plan = optimised(WORLD, TASK, START, hold, settings=settings)[0]
    states, _ = followed(TrackedTrajectory(WORLD, TASK, plan, hold), START, 100)
    np.testing.assert_allclose(np.cos(states[:60, 0]), np.cos(plan.states[:60, 0]), atol=1e-7)
    assert np.abs(plan.actions).max() <= settings.share
    assert np.cos(states[-10:, 0]).min() > 0.99


def test_a_correction_closes_gaps_in_proportion_to_its_length(hold) -> None:
    improvement = Improvement(WORLD, TASK, hold, penalty=1e-3, share=1.0, final=1.0, feedback=1e-2)
    states = paths(np.random.default_rng(1), WORLD, np.array([np.pi, 0.0]), np.zeros(1), rows=6, steps=60, waves=4)
    plans = improvement.plans(states, np.zeros((6, 60, 1)), limit=1.0, excess=0.0)
    before = plans.gaps
    improvement.improve(plans)
    left = 1 - plans.length[:, None, None]
    np.testing.assert_allclose(plans.gaps, left * before, atol=1e-12)
    after, _ = improvement.step(plans.states[:, :-1], plans.actions)
    np.testing.assert_allclose(after - plans.states[:, 1:], plans.gaps, atol=1e-12)
    assert plans.length.max() > 0


def test_damping_falls_after_long_corrections_and_rises_where_only_short_ones_or_none_are_better(hold) -> None:
    improvement = Improvement(WORLD, TASK, hold, penalty=1e-3, share=1.0, final=1.0, feedback=1e-2)
    states = paths(np.random.default_rng(1), WORLD, np.array([np.pi, 0.0]), np.zeros(1), rows=6, steps=60, waves=4)
    plans, seen = improvement.plans(states, np.zeros((6, 60, 1)), limit=np.inf, excess=0.0), set()
    for _ in range(12):
        before = plans.damping
        improvement.improve(plans)
        factor = np.where(plans.length >= 0.4, 1 / 3, np.where(plans.length > 0, 3.0, 5.0))
        np.testing.assert_allclose(plans.damping, np.clip(before * factor, 1e-6, 1e4))
        seen |= set(plans.length.tolist())
    assert {0.0, 0.1, 1.0} <= seen


def test_a_correction_with_much_damping_returns_to_the_old_path(hold) -> None:
    improvement = Improvement(WORLD, TASK, hold, penalty=1e-3, share=1.0, final=1.0, feedback=1e-2)
    states = np.tile([np.pi, 0.0], (1, 61, 1))
    states[:, 0, 0] += 0.01  # a gap after the first step; without feedback the pendulum would swing by 0.01 for ever
    plans = improvement.plans(states, np.zeros((1, 60, 1)), limit=1.0, excess=0.0)
    plans.damping[:] = 1e4
    improvement.improve(plans)
    assert plans.length == [1.0]
    assert np.abs(plans.states[:, 40:] - states[:, 40:]).max() < 0.002


def test_no_action_leaves_its_limit_while_plans_are_corrected(hold) -> None:
    improvement = Improvement(WORLD, TASK, hold, penalty=1e-3, share=1.0, final=1.0, feedback=1e-2)
    states = paths(np.random.default_rng(1), WORLD, np.array([np.pi, 0.0]), np.zeros(1), rows=6, steps=60, waves=4)
    plans = improvement.plans(states, np.zeros((6, 60, 1)), limit=0.5, excess=0.0)
    for _ in range(5):
        improvement.improve(plans)
    assert np.abs(plans.actions).max() == 0.5


def test_paths_without_a_goal_are_refused() -> None:
    with pytest.raises(InputError, match="only where there is a goal"):
        optimised(WORLD, TASK, START, settings=replace(SETTINGS, paths=True))


@pytest.mark.parametrize(
    "wrong", [{"moves": -1}, {"rounds": -1}, {"horizon": 0}, {"pumping": 1.5}, {"share": 1.01}, {"penalty": 0.0}]
)
def test_settings_out_of_their_range_are_refused_by_name(wrong) -> None:
    (name,) = wrong
    with pytest.raises(InputError, match=name):
        TrajectorySettings(**wrong)
