"""Where the goal of a task moves within the episode, planners and trainings know the time."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

from hnn_gym.agents import shac
from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Policy, episode_returns, play_episodes
from hnn_gym.agents.ilqr import Ilqr
from hnn_gym.agents.imagination import Imagination
from hnn_gym.agents.kalman_filter import Filtered, KalmanFilter
from hnn_gym.agents.sampling import Mppi, SamplingPlanner
from hnn_gym.agents.shac import ShacSettings, train_shac
from hnn_gym.agents.transfer import measure_transfer
from hnn_gym.envs.core import Simulator
from hnn_gym.systems import SpringSweep, true_world

WORLD = true_world("Spring-v0")


def sweep() -> Simulator:
    return Simulator(WORLD, SpringSweep())


GRID = Grid(positions=81, velocities=81, actions=5, position_range=(-1.3, 1.3), velocity_range=(-2.5, 2.5))
PLANNERS = {
    "mppi": lambda: SamplingPlanner(sweep(), rule=Mppi(0.1), samples=128, horizon=15),
    "ilqr": lambda: Ilqr(sweep(), horizon=8, rounds=1, first_rounds=2),
    "dp": lambda: DynamicProgramming([sweep()], steps=80, hold=5, grid=GRID),
}


def observation(t: float) -> np.ndarray:
    """A state whose energy is 0.5 J, moving, t seconds into the episode."""
    seen = sweep().observation(np.array([[0.5]]), np.array([[1.0]]), np.array([t]))
    return np.asarray(seen, np.float32)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_return_of_a_plan_counts_the_goals_of_its_moments(dtype: type) -> None:
    simulator, rng = sweep(), np.random.default_rng(0)
    imagined = Imagination(simulator, dtype=dtype)
    start, x, plans = rng.uniform(0, 4, 600), rng.normal(size=(600, 2)), rng.uniform(-1, 1, (600, 6, 1))
    total, point = np.zeros(600), x
    for k in range(6):
        outcome = simulator.transition(point, plans[:, k], start + k * 0.05)
        point, total = outcome.x, total + outcome.reward
    np.testing.assert_allclose(imagined.returns(x, plans, t=start), total, rtol=1e-3 if dtype is np.float32 else 1e-12)
    one = imagined.step(x, plans[:, 0], start)[1]
    np.testing.assert_allclose(one, simulator.transition(x, plans[:, 0], start).reward, rtol=1e-4)


@pytest.mark.parametrize("name", PLANNERS)
def test_a_planner_pushes_where_the_goal_rises_and_brakes_where_it_is_low(name: str) -> None:
    planner = PLANNERS[name]()
    _, (done, memory) = planner.predict(observation(0.0), None, np.array([True]))
    assert done == [1]
    high, _ = planner.predict(observation(0.5), (np.array([10]), memory))  # 0.68 J, from 0.5 J
    low, state = planner.predict(observation(3.5), (np.array([70]), memory))  # 0.21 J
    assert low[0, 0] < -0.1 < 0.1 < high[0, 0]
    again, _ = planner.predict(observation(0.5), (state[0] - 61, state[1]), np.array([False]))
    assert again[0, 0] > 0.1
    _, (done, _) = planner.predict(observation(0.0), state, np.array([True]))
    assert done == [1]  # the time begins again with an episode


def earned(policy: Policy) -> float:
    made = lambda: gymnasium.make("Spring-v0", task="energy sweep")  # noqa: E731
    return float(episode_returns(policy, made, seeds=range(4)).mean())


def test_a_planner_earns_as_much_as_it_can_only_if_it_knows_the_time() -> None:
    class Forgetful:
        """Plans as if every step were the first of an episode."""

        def predict(self, seen, state=None, episode_start=None, deterministic=True):  # type: ignore[no-untyped-def]
            action, state = planner.predict(seen, state, episode_start)
            return action, (0 * state[0], state[1])

    planner = PLANNERS["mppi"]()
    assert earned(planner) > 0.6 * earned(Forgetful())  # returns are negative: the forgetful one loses far more


def test_backward_induction_earns_in_a_sweep_what_it_predicts() -> None:
    policy = DynamicProgramming([sweep()], steps=50, grid=GRID)
    q, v = np.array([[0.4], [-0.6]]), np.array([[1.0], [0.5]])
    x, total, memory = WORLD.phase_point(q, v), np.zeros(2), None
    promised = policy.value(x)
    for step in range(50):
        seen = sweep().observation(*WORLD.state(x), np.full(2, step * 0.05))
        action, memory = policy.predict(seen, memory, np.full(2, step == 0))
        outcome = sweep().transition(x, action.astype(float), np.full(2, step * 0.05))
        x, total = outcome.x, total + outcome.reward
    np.testing.assert_allclose(
        total, promised, atol=0.5
    )  # interpolation on 81 x 81 nodes; a fixed goal would be off by 2 and more


def test_a_policy_from_gradients_sees_the_goal_and_is_paid_for_the_goal_of_the_moment() -> None:
    settings = ShacSettings(updates=3, num_envs=8, window=4, hidden=(8,))
    trainer = shac._Trainer(sweep(), settings)
    times: list[np.ndarray] = []
    inner = trainer._simulator.transition

    class Spy:
        """Notes the times of the steps."""

        def __getattr__(self, name: str) -> object:
            return getattr(sweep().like(torch.zeros(1)), name)

        def transition(self, x: torch.Tensor, action: torch.Tensor, t: torch.Tensor) -> object:
            times.append(t.numpy().copy())
            return inner(x, action, t)

    trainer._simulator = Spy()  # type: ignore[assignment]
    age = trainer._age.copy()
    trainer.window(1.0)
    np.testing.assert_allclose(times[0], age * 0.05, atol=1e-6)
    policy = train_shac(sweep(), settings)
    seen = np.repeat(observation(0.0), 2, axis=0)
    seen[1, 2:] = observation(2.5)[0, 2:]
    assert abs(np.diff(policy.predict(seen)[0][:, 0])) > 1e-6  # the goal reaches the policy


def test_dream_and_reality_agree_about_a_goal_that_moves() -> None:
    planner = SamplingPlanner(sweep(), samples=16, horizon=4)
    made = lambda: gymnasium.make("Spring-v0", task="energy sweep", max_episode_steps=200)  # noqa: E731
    transfer = measure_transfer(Filtered(Still(), KalmanFilter(WORLD, (0.1, 0.1))), sweep(), made, seeds=range(2))
    np.testing.assert_allclose(transfer.gap, 0.0, atol=1e-3)  # observations are float32
    assert transfer.real.observation.shape[-1] == 4
    np.testing.assert_allclose(transfer.dream.observation[..., 2:], transfer.real.observation[..., 2:], atol=1e-5)
    played = play_episodes(planner, made, seeds=range(2), max_steps=3)
    assert played.observation.shape == (4, 2, 4)


class Still:
    """Does nothing, and needs the whole observation to do so."""

    def predict(self, seen, state=None, episode_start=None, deterministic=True):  # type: ignore[no-untyped-def]
        assert seen.shape[-1] == 4
        return np.zeros((len(seen), 1), np.float32), state
