"""Everything that plans or learns in a dream takes actions that are whole numbers, by their table of forces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiBinary, MultiDiscrete

from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Policy, check_fit, episode_returns
from hnn_gym.agents.ilqr import Ilqr
from hnn_gym.agents.imagination import Imagination
from hnn_gym.agents.kalman_filter import Filtered, KalmanFilter
from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.planned_actions import NearestActions, PlannedActions
from hnn_gym.agents.sampling import Cem, SamplingPlanner
from hnn_gym.agents.sb3 import RECIPES, load_sb3_agent, save_agent, train_agent
from hnn_gym.agents.transfer import measure_transfer
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import InputError
from hnn_gym.systems import PendulumSwingUp, true_world

TABLE = ((-2.0,), (0.0,), (2.0,))


class ThreeTorques(PendulumSwingUp):
    """The pendulum with three torques to choose from."""

    action_space = Discrete(3)


def pendulum() -> Simulator:
    world = true_world("Pendulum-v1")
    coordinates = replace(world.coordinates, force_table=TABLE)
    return Simulator(replace(world, coordinates=coordinates), ThreeTorques())


PLANNERS = {
    "mppi": lambda: SamplingPlanner(pendulum(), samples=128),
    "cem": lambda: SamplingPlanner(pendulum(), samples=64, rule=Cem()),
    "ilqr": lambda: Ilqr(pendulum(), horizon=15, rounds=1, first_rounds=3),
    "dp": lambda: DynamicProgramming([pendulum()], steps=40, grid=Grid(positions=151, velocities=121)),
}


def earned(policy: Policy, q: list[float], *, steps: int) -> np.ndarray:
    """Returns of following a policy from rest at angles q."""
    simulator = pendulum()
    x = simulator.world.phase_point(np.array(q)[:, None], np.zeros((len(q), 1)))
    total, memory = np.zeros(len(q)), None
    for t in range(steps):
        action, memory = policy.predict(simulator.world.decode(x), memory, np.full(len(q), t == 0))
        assert action.shape == (len(q),)
        assert action.dtype.kind == "i"
        outcome = simulator.transition(x, simulator.action_vector(action[:, None]))
        x, total = outcome.x, total + outcome.reward
    return total


@pytest.mark.parametrize("name", PLANNERS)
def test_every_planner_holds_the_pendulum_upright_by_three_torques(name: str) -> None:
    # Without torque it falls from 0.3 rad and earns below -30; chattering about the top costs some -4.
    assert earned(PLANNERS[name](), [0.3, -0.3], steps=25).min() > -10


@pytest.mark.parametrize("name", PLANNERS)
def test_a_planner_gives_one_whole_number_for_one_observation(name: str) -> None:
    action, _ = PLANNERS[name]().predict(np.array([1.0, 0.1, 0.5], np.float32))
    assert np.shape(action) == ()
    assert action in Discrete(3)


def test_what_is_imagined_is_the_nearest_row_of_the_table() -> None:
    actions = Imagination(pendulum()).actions
    np.testing.assert_array_equal(actions.nearest(np.array([[-1.5], [0.9], [1.1]])), [[-2.0], [0.0], [2.0]])
    np.testing.assert_array_equal(actions.actions(np.array([[-1.5], [0.9], [1.1]])), [0, 1, 2])


class Channel:
    """Adds up one row for each number, as a world of several whole numbers does."""

    def __init__(self, space: gymnasium.Space) -> None:
        self._space = space

    def space(self, task: object) -> gymnasium.Space:
        return self._space


class Several:
    """Stands for a simulator whose actions are several whole numbers."""

    task = None

    def __init__(self, space: gymnasium.Space) -> None:
        self.channel = Channel(space)

    def action_vector(self, whole: np.ndarray) -> np.ndarray:
        return 10.0 * whole


@pytest.mark.parametrize(
    ("space", "vector", "action"),
    [
        (MultiDiscrete([2, 3]), [9.0, 21.0], [1, 2]),
        (MultiDiscrete([2, 3], start=[5, 5]), [9.0, 21.0], [6, 7]),
        (MultiBinary(2), [9.0, 0.0], [1, 0]),
        (Discrete(3, start=-1), [9.0], 0),
    ],
)
def test_actions_of_several_numbers_are_counted_as_the_space_counts_them(
    space: gymnasium.Space, vector: list[float], action: object
) -> None:
    planned = PlannedActions.of(Several(space))  # type: ignore[arg-type]
    found = planned.actions(np.array(vector))
    np.testing.assert_array_equal(found, action)
    assert space.contains(found) or space.contains(np.int64(found))


def test_a_planner_refuses_more_combinations_than_it_can_compare() -> None:
    with pytest.raises(InputError, match="at most 1024 combinations"):
        PlannedActions.of(Several(MultiDiscrete([10] * 4)))  # type: ignore[arg-type]


def test_a_controller_of_forces_balances_the_cart_pole_by_two_of_them() -> None:
    simulator = build_simulator("HNNCartPole-v0", stepping="recorded")
    balance = NearestActions(LinearQuadratic(simulator.world, position=np.zeros(2)), simulator)
    assert (episode_returns(balance, "CartPole-v1", seeds=range(3)) == 500).all()


def test_the_filter_forecasts_with_the_force_of_a_whole_number() -> None:
    by_number, by_force = pendulum().world, true_world("Pendulum-v1")
    std, seen = (0.1, 0.1, 0.5), np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    one, other = KalmanFilter(by_number, std), KalmanFilter(by_force, std)
    belief = one.update(one.start(seen), np.array([2, 0]), seen)
    expected = other.update(other.start(seen), np.array([[2.0], [-2.0]]), seen)
    np.testing.assert_allclose(belief.mean, expected.mean, atol=1e-12)
    agent = Filtered(PLANNERS["mppi"](), one)
    action, state = agent.predict(seen)
    assert agent.predict(seen, state, np.zeros(2, bool))[0].shape == action.shape == (2,)


@pytest.mark.parametrize("algo", ["ppo", "a2c", "dqn"])
def test_an_agent_of_whole_numbers_trains_is_saved_and_meets_its_environment(algo: str, tmp_path: Path) -> None:
    arguments = {
        "ppo": {"n_steps": 16, "batch_size": 64, "n_epochs": 1},
        "a2c": {"n_steps": 8},
        "dqn": {"learning_starts": 100, "batch_size": 16, "buffer_size": 1000},
    }[algo]
    recipe = replace(RECIPES[algo], num_envs=4, steps=400, hidden=(8,), arguments=arguments)
    world, task = pendulum().world, ThreeTorques()
    agent = train_agent(world, algo, recipe=recipe, env_kwargs={"task": task})
    save_agent(tmp_path / "agent", agent, algo=algo, recipe=recipe)
    loaded = load_sb3_agent(tmp_path / "agent")
    observations = np.random.default_rng(0).uniform(-1, 1, (5, 3)).astype(np.float32)
    np.testing.assert_array_equal(
        loaded.predict(observations, deterministic=True)[0], agent.predict(observations, deterministic=True)[0]
    )
    made = lambda: gymnasium.make("HNN-v0", world_model=world, task=task)  # noqa: E731
    transfer = measure_transfer(loaded, pendulum(), made, seeds=range(2))
    np.testing.assert_allclose(transfer.gap, 0.0, atol=1e-3)  # the dream is the environment; observations are float32


@pytest.mark.parametrize(("algo", "words"), [("sac", "real numbers"), ("td3", "use ppo")])
def test_an_algorithm_for_real_numbers_is_refused_before_any_training(algo: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        train_agent(pendulum().world, algo, env_kwargs={"task": ThreeTorques()})


def test_dqn_is_refused_where_actions_are_real_numbers() -> None:
    with pytest.raises(InputError, match="dqn takes actions of a Discrete space"):
        train_agent("HNNPendulum-v0", "dqn")


def test_an_agent_of_another_number_of_actions_is_refused() -> None:
    seen = PendulumSwingUp.observation_space
    check_fit((seen, Discrete(3)), (seen, Discrete(3)))
    for other in (Discrete(2), PendulumSwingUp.action_space):
        with pytest.raises(InputError, match="actions lie in"):
            check_fit((seen, Discrete(3)), (seen, other))
