"""Planners imagine exactly the world that they are given, and act well in it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Policy
from hnn_gym.agents.ilqr import Ilqr
from hnn_gym.agents.imagination import Imagination
from hnn_gym.agents.sampling import Cem, Mppi, SamplingPlanner, coloured_noise
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import InputError
from hnn_gym.systems import PendulumSwingUp, SpringHold, true_world

COARSE = Grid(positions=101, velocities=81, actions=11)


def pendulum() -> Simulator:
    return Simulator(true_world("Pendulum-v1"), PendulumSwingUp())


def earned(policy: Policy, simulator: Simulator, q: list[float], *, steps: int) -> np.ndarray:
    """Returns of following a policy in a simulator from rest at angles q."""
    x = simulator.world.phase_point(np.array(q)[:, None], np.zeros((len(q), 1)))
    total, memory = np.zeros(len(q)), None
    for t in range(steps):
        action, memory = policy.predict(simulator.world.decode(x), memory, np.full(len(q), t == 0))
        step_result = simulator.transition(x, action.astype(np.float64))
        x, total = step_result.x, total + step_result.reward
    return total


@pytest.mark.parametrize("name", ["HNNPendulum-v0", "BaselinePendulum-v0", "HNNTwoBody-v0", "ThreeBody-v0"])
def test_an_imagined_step_is_the_step_of_the_environment(name: str) -> None:
    simulator = build_simulator(name)
    imagined = Imagination(simulator, dtype=np.float64)
    rng = np.random.default_rng(0)
    starts = [simulator.task.initial(rng, {}) for _ in range(700)]  # more than a block
    x = simulator.world.phase_point(*(np.array(part) for part in zip(*starts, strict=True)))
    action = rng.uniform(imagined.low, imagined.high, (700, len(imagined.low)))
    step_result = simulator.transition(x, action)
    new, reward, terminated = imagined.step(x, action)
    np.testing.assert_allclose(new, step_result.x, rtol=1e-12, atol=1e-12)  # float64, in another order
    np.testing.assert_allclose(reward, step_result.reward, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(terminated, step_result.terminated)


def test_the_return_of_a_plan_is_the_sum_of_its_rewards_and_the_value_where_it_ends() -> None:
    simulator = pendulum()
    imagined = Imagination(simulator, dtype=np.float64)
    rng = np.random.default_rng(1)
    x, plans = rng.normal(size=(5, 2)), rng.uniform(-2, 2, (5, 7, 1))
    total, point = np.zeros(5), x
    for t in range(7):
        step_result = simulator.transition(point, plans[:, t])
        point, total = step_result.x, total + step_result.reward
    returns = imagined.returns(x, plans, value=lambda x: 10 * x[:, 1])
    np.testing.assert_allclose(returns, total + 10 * point[:, 1], rtol=1e-12)


def test_rewards_after_the_end_of_an_episode_do_not_count() -> None:
    simulator = build_simulator("ThreeBody-v0")
    imagined = Imagination(simulator, dtype=np.float64)
    q, v = simulator.task.initial(np.random.default_rng(0), {})
    x = simulator.world.phase_point(q, 30 * v)[None]  # escapes at once
    plan = np.zeros((1, 40, len(imagined.low)))
    one = next(t for t in range(1, 40) if imagined_end(imagined, x, t))
    assert imagined.returns(x, plan)[0] == pytest.approx(imagined.returns(x, plan[:, :one])[0], rel=1e-12)


def imagined_end(imagined: Imagination, x: np.ndarray, steps: int) -> bool:
    for _ in range(steps):
        x, _, terminated = imagined.step(x, np.zeros((1, len(imagined.low))))
    return bool(terminated[0])


@pytest.mark.parametrize("exponent", [0.0, 2.0])
def test_coloured_noise_has_variance_one_and_the_requested_correlation(exponent: float) -> None:
    noise = coloured_noise(np.random.default_rng(0), (20_000, 30), exponent=exponent)
    assert noise.var() == pytest.approx(1.0, abs=0.02)  # its standard error is 0.005 at most
    neighbours = np.corrcoef(noise[:, 10], noise[:, 11])[0, 1]
    assert neighbours == pytest.approx(0.0, abs=0.03) if exponent == 0 else neighbours > 0.8


PLANNERS = {
    "mppi": lambda: SamplingPlanner(pendulum(), samples=128),
    "cem": lambda: SamplingPlanner(pendulum(), samples=64, rule=Cem()),
    "ilqr": lambda: Ilqr(pendulum(), horizon=20, first_rounds=5),
    "dp": lambda: DynamicProgramming([pendulum()], steps=200, grid=COARSE),
}


@pytest.mark.parametrize("name", PLANNERS)
def test_every_planner_holds_the_pendulum_upright(name: str) -> None:
    # From 0.3 rad the optimum earns -0.9, and the noise of plans some; without torque it falls and earns below -100.
    assert earned(PLANNERS[name](), pendulum(), [0.3, -0.3], steps=40).min() > -5


def test_ilqr_plans_where_the_scheme_is_implicit() -> None:
    simulator = build_simulator("HNNCartPole-v0")
    planner = Ilqr(simulator, horizon=3, first_rounds=1)
    _, (done, plans) = planner.predict(np.array([[0.0, 0.0, 0.05, 0.0]]))
    assert done.tolist() == [1]
    assert plans.shape == (1, 3, 1)
    assert np.isfinite(plans).all()


@pytest.mark.parametrize("name", ["mppi", "dp"])
def test_the_pendulum_is_swung_up(name: str) -> None:
    # Hanging it needs two swings: 200 steps of hanging earn -1974, the optimum about -320.
    assert earned(PLANNERS[name](), pendulum(), [3.0], steps=200)[0] > -420


@pytest.mark.parametrize("name", PLANNERS)
def test_a_planner_takes_one_observation_or_many(name: str) -> None:
    one, _ = PLANNERS[name]().predict(np.array([1.0, 0.1, 0.5], np.float32))
    many, _ = PLANNERS[name]().predict(np.array([[1.0, 0.1, 0.5]] * 2, np.float32))
    assert one.shape == (1,)
    assert many.shape == (2, 1)
    np.testing.assert_allclose(one, many[0], atol=1e-6)


@pytest.mark.parametrize("name", PLANNERS)
def test_the_memory_of_a_planner_is_reset_at_the_start_of_an_episode(name: str) -> None:
    observation, other = np.array([[1.0, 0.1, 0.5]], np.float32), np.array([[-1.0, 0.0, 3.0]], np.float32)
    fresh, _ = PLANNERS[name]().predict(observation, None, np.array([True]))
    planner = PLANNERS[name]()
    planner._rng = np.random.default_rng(0)  # type: ignore[union-attr]  # the noise of a first decision
    memory = planner.predict(other, None, np.array([True]))[1]
    planner._rng = np.random.default_rng(0)  # type: ignore[union-attr]
    again, _ = planner.predict(observation, memory, np.array([True]))
    np.testing.assert_allclose(again, fresh, atol=1e-6)


def test_backward_induction_earns_the_return_that_it_predicts() -> None:
    policy = DynamicProgramming([pendulum()], steps=200, grid=Grid(positions=201, velocities=161, actions=11))
    q = [-2.5, -1.0, 1.8, 2.8]
    x = pendulum().world.phase_point(np.array(q)[:, None], np.zeros((4, 1)))
    # Interpolation mixes neighbours, so that values are off by some per cent of a swing-up.
    np.testing.assert_allclose(earned(policy, pendulum(), q, steps=200), policy.value(x), rtol=0.1)


def test_the_value_of_a_held_action_is_that_of_its_steps_together() -> None:
    policy = DynamicProgramming([pendulum()], steps=3, grid=COARSE, hold=3)
    assert policy.values.shape == (2, COARSE.positions, COARSE.velocities)
    imagined = Imagination(pendulum())
    node = imagined.world.phase_point(np.full((11, 1), -np.pi), np.full((11, 1), -8.0))  # the first of the grid
    plans = np.repeat(np.linspace(-2, 2, 11)[:, None, None], 3, axis=1)
    assert policy.values[0, 0, 0] == pytest.approx(imagined.returns(node, plans).max(), rel=1e-5)  # float32


def test_backward_induction_holds_an_action_as_long_as_it_planned_to() -> None:
    policy = DynamicProgramming([pendulum()], steps=8, grid=COARSE, hold=4)
    seen = np.array([[-1.0, 0.0, 1.0], [-1.0, 0.0, -1.0]], np.float32)  # pump to the right, then to the left
    memory, done = None, []
    for t in range(8):
        action, memory = policy.predict(seen if t < 2 else seen[::-1], memory, np.full(2, t == 0))
        done.append(action[:, 0])
    assert (np.array(done[:4]) == done[0]).all()
    assert (np.array(done[4:]) == done[4]).all()
    assert done[0][0] * done[0][1] < 0
    assert done[0][0] * done[4][0] < 0


def test_values_of_several_worlds_are_those_of_the_mean_over_them() -> None:
    simulators = [pendulum(), build_simulator("BaselinePendulum-v0")]
    one_step = [DynamicProgramming([s], steps=1, grid=COARSE).values[0] for s in simulators]
    both = DynamicProgramming(simulators, steps=1, grid=COARSE).values[0]
    np.testing.assert_allclose(both, np.mean(one_step, axis=0), rtol=1e-5)  # float32


def test_ilqr_never_makes_a_plan_worse() -> None:
    planner, imagined = Ilqr(pendulum(), horizon=25), Imagination(pendulum(), dtype=np.float64)
    x = torch.tensor([[2.0, 0.1], [0.5, -0.2], [3.0, 0.0]], dtype=torch.float64)
    plan = torch.tensor(np.random.default_rng(0).uniform(-2, 2, (3, 25, 1)))
    before = imagined.returns(x.numpy(), plan.numpy())
    for _ in range(4):
        plan = planner.improved(x, plan)
        after = imagined.returns(x.numpy(), plan.numpy())
        assert (after >= before - 1e-9).all()  # rounding of a sum of 25 rewards
        before = after
    assert (plan.abs() <= 2).all()


def test_ilqr_converges_because_rounding_takes_no_feedback_away() -> None:
    planner = Ilqr(pendulum())
    x = torch.tensor([[2.5, 0.3], [0.4, -0.2]], dtype=torch.float64)
    plan = torch.zeros(2, 40, 1, dtype=torch.float64)
    for _ in range(20):
        plan = planner.improved(x, plan)
    assert torch.equal(planner.improved(x, plan), plan)


class PaidToTheEdge(SpringHold):
    """Every metre to the right pays, and beyond 1 m the episode is over."""

    def reward(self, q, v, u, next_q, next_v):  # type: ignore[no-untyped-def]
        return 10 * q[..., 0]

    def terminated(self, q, v):  # type: ignore[no-untyped-def]
        return q[..., 0] > 1.0


def test_ilqr_counts_no_reward_that_comes_after_the_end_of_the_episode() -> None:
    simulator = Simulator(true_world("Spring-v0"), PaidToTheEdge())
    planner, imagined = Ilqr(simulator, horizon=30), Imagination(simulator, dtype=np.float64)
    x = torch.tensor([[0.6, 0.78]], dtype=torch.float64)  # left alone, it turns at 0.98 m
    plan = torch.zeros(1, 30, 1, dtype=torch.float64)
    best = imagined.returns(x.numpy(), plan.numpy())[0]
    for _ in range(10):
        plan = planner.improved(x, plan)
        found = imagined.returns(x.numpy(), plan.numpy())[0]
        assert found >= best - 1e-9  # rounding of a sum of 30 rewards
        best = found


def test_ilqr_leaves_actions_alone_that_come_after_the_end_of_the_episode() -> None:
    planner = Ilqr(Simulator(true_world("Spring-v0"), PaidToTheEdge()), horizon=30)
    x = torch.tensor([[0.5, 3.0]], dtype=torch.float64)  # beyond 1 m in two steps, whatever is done
    plan = planner.improved(x, torch.zeros(1, 30, 1, dtype=torch.float64))
    assert abs(plan[0, 0, 0]) == 1  # its limit
    assert plan[0, 2:].abs().max() < 0.01  # what feedback to a curvature of 1e-6 does


@pytest.mark.parametrize(
    "bad",
    [
        lambda: SamplingPlanner(pendulum(), samples=1),
        lambda: SamplingPlanner(pendulum(), horizon=0),
        lambda: SamplingPlanner(pendulum(), std=0.0),
        lambda: Mppi(temperature=0.0),
        lambda: Cem(elites=0.0),
        lambda: Ilqr(pendulum(), horizon=0),
        lambda: Grid(positions=1),
        lambda: DynamicProgramming([], steps=10),
        lambda: DynamicProgramming([pendulum()], steps=0),
        lambda: DynamicProgramming([pendulum()], steps=10, hold=3),
        lambda: DynamicProgramming([build_simulator("TwoBody-v0")], steps=10),
        lambda: DynamicProgramming([build_simulator("Spring-v0")], steps=10),  # no velocity range is known
    ],
)
def test_invalid_arguments_of_a_planner_are_refused(bad: object) -> None:
    with pytest.raises(InputError):
        bad()  # type: ignore[operator]
