"""HNNPendulum-v0 and the shell against Gymnasium's own Pendulum-v1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym import Control, Coordinates, DegreeOfFreedom, FitSettings, SimulatorEnv
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.evaluation.metrics import unforced
from hnn_gym.physics import Pendulum, PortHamiltonian
from hnn_gym.systems import PendulumSwingUp, true_world
from hnn_gym.worlds import WorldModel


def per_unit_of_inertia() -> WorldModel:
    """Pendulum-v1 with p = dq/dt and a control gain of 3, which is how Gymnasium computes it."""
    dynamics = PortHamiltonian(Pendulum(mass=1.0, gravity_torque=-15.0), control=3.0 * np.eye(1))
    return replace(true_world("Pendulum-v1"), dynamics=dynamics)


@pytest.mark.parametrize("seed", range(4))
def test_the_true_pendulum_in_the_shell_is_pendulum_v1_to_the_bit(seed: int) -> None:
    ours = SimulatorEnv(per_unit_of_inertia(), task=PendulumSwingUp())
    real = gymnasium.make("Pendulum-v1").unwrapped
    np.testing.assert_array_equal(ours.reset(seed=seed)[0], real.reset(seed=seed)[0])
    if seed == 0:  # fast enough to meet the speed limit
        ours.state = real.state = np.array([3.0, 7.9])  # type: ignore[attr-defined]
    rng, fastest = np.random.default_rng(seed), 0.0
    for _ in range(1000):
        action = rng.uniform(
            -2.5, 2.5, 1
        )  # beyond the limit of 2 too; float64, else the real one rounds 3 u to float32
        observation, reward, terminated, truncated, _ = ours.step(action)
        expected = real.step(action)
        np.testing.assert_array_equal(observation, expected[0])
        assert reward == pytest.approx(expected[1], rel=1e-14)
        assert (terminated, truncated) == expected[2:4]
        np.testing.assert_array_equal(ours.state, real.state)  # type: ignore[attr-defined]
        fastest = max(fastest, abs(float(ours.state[1])))
    assert seed != 0 or fastest == 8.0


def test_float32_actions_too_give_pendulum_v1_to_the_bit_where_their_rounding_is_exact() -> None:
    ours = SimulatorEnv(per_unit_of_inertia(), task=PendulumSwingUp())
    real = gymnasium.make("Pendulum-v1", max_episode_steps=1000).unwrapped
    ours.reset(seed=7)
    real.reset(seed=7)
    for action in np.random.default_rng(7).integers(-2048, 2049, (1000, 1)):
        torque = (action / 1024).astype(np.float32)  # the real one computes 3 u in float32: exact for these
        observation, reward, *_ = ours.step(torque)
        expected = real.step(torque)
        np.testing.assert_array_equal(observation, expected[0])
        assert reward == pytest.approx(expected[1], rel=1e-6)  # 0.001 u^2, of at most 0.004, in float32
    np.testing.assert_array_equal(ours.state, real.state)  # type: ignore[attr-defined]


@pytest.mark.parametrize("env_id", ["HNNPendulum-v0", "BaselinePendulum-v0"])
def test_the_first_reward_is_pendulum_v1s_since_it_is_on_the_state_before_the_step(env_id: str) -> None:
    ours, real = gymnasium.make(env_id), gymnasium.make("Pendulum-v1")
    for seed in range(5):
        ours.reset(seed=seed)
        real.reset(seed=seed)
        torque = np.array([1.25], np.float32)
        assert ours.step(torque)[1] == pytest.approx(real.step(torque)[1], rel=1e-6)


def test_in_joules_every_single_step_differs_in_the_last_bits_only() -> None:
    world, real = true_world("Pendulum-v1"), gymnasium.make("Pendulum-v1").unwrapped
    real.reset(seed=1)
    rng = np.random.default_rng(1)
    for _ in range(1000):
        before, action = real.state, rng.uniform(-2, 2, 1)  # type: ignore[attr-defined]
        real.step(action)
        q, v = world.state(world.step(world.phase_point(before[:1], before[1:]), action))
        np.testing.assert_allclose([q[0], v[0]], real.state, atol=1e-13)  # type: ignore[attr-defined]


def test_the_shipped_pendulum_knows_its_joules() -> None:
    world, truth = resolve_world("HNNPendulum-v0"), true_world("Pendulum-v1")
    assert world.energy_unit == "J"
    rng = np.random.default_rng(0)
    q, v = rng.uniform(-np.pi, np.pi, (500, 1)), rng.uniform(-8, 8, (500, 1))
    learned, true = (w.energy(w.phase_point(q, v)) for w in (world, truth))
    np.testing.assert_allclose(learned, true, atol=1e-2)  # of a range of 20 J


def test_the_energy_gains_the_work_of_the_torque() -> None:
    env = gymnasium.make("HNNPendulum-v0", dt=0.001, max_episode_steps=10_000)
    _, info = env.reset(seed=0)
    start, work = info["energy"], 0.0
    for _ in range(200):  # ends before the speed limit, which takes energy
        before = env.unwrapped.state[0]  # type: ignore[attr-defined]
        *_, info = env.step(np.array([1.5], np.float32))
        work += 1.5 * (env.unwrapped.state[0] - before)  # type: ignore[attr-defined]
    assert abs(work) > 0.2
    assert info["energy"] - start == pytest.approx(work, abs=2e-2)  # symplectic Euler ripples by dt/2 H_q H_p


def test_true_energy_stays_within_the_band_of_the_real_map() -> None:
    world, truth = resolve_world("HNNPendulum-v0"), true_world("Pendulum-v1")
    rng = np.random.default_rng(5)
    q, v = rng.uniform(-np.pi, np.pi, (20, 1)), rng.uniform(-1, 1, (20, 1))
    ours, real = (unforced(w, truth, q, v, steps=2000).band for w in (world, truth))
    assert (ours <= 1.5 * real).all()


def test_options_narrow_the_start_as_in_pendulum_v1() -> None:
    ours, real = gymnasium.make("HNNPendulum-v0"), gymnasium.make("Pendulum-v1")
    options = {"x_init": 0.1, "y_init": 0.2}
    np.testing.assert_array_equal(ours.reset(seed=1, options=options)[0], real.reset(seed=1, options=options)[0])
    with pytest.raises(InputError, match="x_init"):
        ours.reset(options={"x_init": "wide"})


@pytest.mark.parametrize("torque", [None, 1.3, -0.7])
def test_the_picture_is_pendulum_v1s_own_to_the_pixel(torque: float | None) -> None:
    ours = gymnasium.make("HNNPendulum-v0", render_mode="rgb_array")
    real = gymnasium.make("Pendulum-v1", render_mode="rgb_array")
    ours.reset(seed=2)
    real.reset(seed=2)
    if torque is not None:
        ours.step(np.array([torque], np.float32))
        real.step(np.array([torque], np.float32))
        real.unwrapped.state = ours.unwrapped.state  # type: ignore[attr-defined]
    np.testing.assert_array_equal(ours.render(), real.render())
    ours.close()
    ours.close()
    real.close()


def test_the_window_opens_and_closes() -> None:
    env = gymnasium.make("HNNPendulum-v0", render_mode="human")
    env.reset(seed=0)
    env.step(np.array([1.0], np.float32))
    assert env.render() is None
    env.close()


def test_episodes_are_200_steps_long_and_make_can_change_that() -> None:
    for steps, env in (
        (200, gymnasium.make("HNNPendulum-v0")),
        (7, gymnasium.make("HNNPendulum-v0", max_episode_steps=7)),
    ):
        env.reset(seed=0)
        ends = [env.step(np.zeros(1, np.float32))[3] for _ in range(steps)]
        assert ends == [False] * (steps - 1) + [True]


class _Cart(gymnasium.Env[Any, Any]):
    """A cart on a spring that the package has never heard of."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float64)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-1, 1, 2)
        return self.state, {}

    def step(self, action: Any) -> Any:
        x, v = self.state
        v = v + 0.1 * (2 * float(action[0]) - 3 * x)  # mass 1/2, stiffness 3/2
        self.state = np.array([x + 0.1 * v, v])
        return self.state, 0.0, False, False, {}


def test_a_world_of_a_foreign_environment_has_its_starts_and_takes_another_reward(tmp_path: Any) -> None:
    env = gymnasium.wrappers.TimeLimit(_Cart(), 40)
    coordinates = Coordinates((DegreeOfFreedom(position=0, velocity=1),), (Control(0, unit="N"),))
    dataset = hnn_gym.record_steps(env, steps=200, seed=0, dt=0.1, coordinates=coordinates.to_json())
    world = hnn_gym.train_world(dataset, "mechanical", settings=FitSettings(lbfgs_steps=300))
    world.save(tmp_path / "cart")
    inertia = float(world.dynamics.momentum(np.zeros(1), np.ones(1))[0])
    assert inertia == pytest.approx(0.5, rel=1e-3)  # kg, since the force is in N
    learned = gymnasium.make("HNN-v0", world_model=tmp_path / "cart")  # with the reward that was recorded
    learned.reset(seed=0)
    learned.step(np.array([0.5]))
    dream = gymnasium.make(
        "HNN-v0", world_model=tmp_path / "cart", reward=lambda o, u, after: -(after[..., 0] ** 2) - 0.1 * u[..., 0] ** 2
    )
    observation, _ = dream.reset(seed=0)
    assert any(np.allclose(observation, episode.observation[0]) for episode in dataset)
    after, reward, *_ = dream.step(np.array([0.5]))
    assert reward == pytest.approx(-(after[0] ** 2) - 0.025)
    with pytest.raises(InputError, match="no picture"):
        gymnasium.make("HNN-v0", world_model=tmp_path / "cart", reward=lambda *_: 0.0, render_mode="rgb_array")
