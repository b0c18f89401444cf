"""The filter is exact where theory gives the result, estimates its own error, and is safe in bad worlds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv

import hnn_gym
from hnn_gym.agents.evaluate import episode_returns
from hnn_gym.agents.kalman_filter import Belief, Filtered, KalmanFilter
from hnn_gym.agents.scripted import Idle
from hnn_gym.agents.swing_up import SwingUp
from hnn_gym.errors import InputError
from hnn_gym.systems import true_world
from hnn_gym.training import train_ensemble
from hnn_gym.worlds.world_model import WorldModel

SPRING = true_world("Spring-v0")
PENDULUM = true_world("Pendulum-v1")
STD = 0.2 * np.array([1.0, 1.0, 8.0])


def linear_map(world: WorldModel) -> np.ndarray:
    """A of z' = A z, z = (q, v), of a linear world without force."""
    columns = []
    for unit in np.eye(2):
        after = world.step(world.phase_point(unit[:1], unit[1:]), np.zeros(1))
        columns.append(np.concatenate(world.state(after)))
    return np.array(columns).T


@pytest.mark.parametrize("memory", [1.0, 0.9])
def test_on_a_spring_it_is_the_textbook_kalman_filter(memory: float) -> None:
    rng = np.random.default_rng(0)
    sensors, a, noise = (
        KalmanFilter(SPRING, (0.1, 0.3), memories=(memory,)),
        linear_map(SPRING),
        np.diag([0.1, 0.3]) ** 2,
    )
    seen = rng.normal(size=(6, 1, 2))
    belief = sensors.start(seen[0])
    mean, covariance = seen[0, 0], noise
    for observation in seen[1:]:
        belief = sensors.update(belief, np.zeros((1, 1)), observation)
        mean, covariance = a @ mean, a @ covariance @ a.T / memory
        gain = covariance @ np.linalg.inv(covariance + noise)
        mean = mean + gain @ (observation[0] - mean)
        covariance = (np.eye(2) - gain) @ covariance
        np.testing.assert_allclose(belief.mean[0, 0], mean, atol=1e-12)
        np.testing.assert_allclose(belief.covariance[0, 0], covariance, atol=1e-12)


def test_filters_that_counted_different_turns_agree_about_the_angle() -> None:
    sensors = KalmanFilter(PENDULUM, STD, memories=(0.98, 0.5))
    belief = sensors.start(np.array([[np.cos(3.0), np.sin(3.0), 0.0]]))
    belief.mean[:, 1, 0] -= 2 * np.pi  # the second filter believes the same, one turn back
    np.testing.assert_allclose(sensors.observation(belief)[0], [np.cos(3.0), np.sin(3.0), 0.0], atol=1e-6)  # float32
    seen = np.array([[np.cos(3.0), np.sin(3.0), 0.0]])
    later = sensors.update(belief, np.zeros((1, 1)), seen)
    apart = KalmanFilter(PENDULUM, STD, memories=(0.98, 0.5))
    same = apart.update(apart.start(seen), np.zeros((1, 1)), seen)
    np.testing.assert_allclose(sensors.observation(later), apart.observation(same), atol=1e-6)
    np.testing.assert_allclose(later.covariance, same.covariance, atol=1e-12)


def swung(std: np.ndarray, *, steps: int, rows: int = 100) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States ``(steps, rows, 2)``, noisy observations of them, and the actions between them, of the true pendulum."""
    rng = np.random.default_rng(1)
    x = PENDULUM.phase_point(rng.uniform(-np.pi, np.pi, (rows, 1)), rng.uniform(-1, 1, (rows, 1)))
    actions = rng.uniform(-1, 1, (steps - 1, rows, 1))
    x = PENDULUM.rollout(x, actions)
    exact = PENDULUM.decode(x)
    return np.concatenate(PENDULUM.state(x), -1), exact + std * rng.standard_normal(exact.shape), actions


def believed(sensors: KalmanFilter, seen: np.ndarray, actions: np.ndarray) -> list[Belief]:
    beliefs = [sensors.start(seen[0])]
    for action, observation in zip(actions, seen[1:], strict=True):
        beliefs.append(sensors.update(beliefs[-1], action, observation))
    return beliefs


def difference(belief: Belief, states: np.ndarray) -> np.ndarray:
    """Errors ``(rows, 2)``, the angle's on the circle."""
    error = (belief.weight[..., None] * belief.mean).sum(1) - states
    error[:, 0] = (error[:, 0] + np.pi) % (2 * np.pi) - np.pi
    return error


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))


def test_on_a_pendulum_estimates_are_far_better_than_readings_and_their_covariance_is_right() -> None:
    states, seen, actions = swung(STD, steps=41)
    beliefs = believed(KalmanFilter(PENDULUM, STD, memories=(0.98,)), seen, actions)
    at_first, at_last = (np.sqrt((difference(beliefs[t], states[t]) ** 2).mean(0)) for t in (0, -1))
    assert (at_last < at_first / 3).all()
    error = difference(beliefs[-1], states[-1])
    normalised = np.einsum("ri,rij,rj->r", error, np.linalg.inv(beliefs[-1].covariance[:, 0]), error)
    assert 1.0 < normalised.mean() < 4.0  # 2 where the covariance is right


def test_filters_that_forget_get_weight_only_where_the_world_is_wrong() -> None:
    states, seen, actions = swung(STD / 10, steps=80)
    wrong = replace(PENDULUM, dt=0.97 * PENDULUM.dt)
    for world, best, worst in ((PENDULUM, 0.98, 0.5), (wrong, 0.5, 0.98)):
        found = {}
        for memories in ((0.98,), (0.5,), (0.98, 0.8, 0.5)):
            found[memories] = believed(KalmanFilter(world, STD / 10, memories=memories), seen, actions)[-1]
        errors = {memories: rms(difference(belief, states[-1])) for memories, belief in found.items()}
        assert errors[best,] < errors[worst,] / 1.3
        assert errors[0.98, 0.8, 0.5] < 1.5 * errors[best,]
        weight = found[0.98, 0.8, 0.5].weight.mean(0)
        np.testing.assert_allclose(weight.sum(), 1.0)
        assert (weight[0] > weight[2]) == (world is PENDULUM)


def test_a_noisy_agent_earns_more_with_a_filter_which_restarts_at_every_start() -> None:
    agent = SwingUp(PENDULUM, position=np.zeros(1))

    def noisy() -> gymnasium.Env[Any, Any]:
        return hnn_gym.ObservationNoise(gymnasium.make("Pendulum-v1"), 0.1)

    steady = Filtered(agent, KalmanFilter(PENDULUM, noisy().std))  # type: ignore[attr-defined]
    as_seen, filtered = (episode_returns(policy, noisy, seeds=range(6)) for policy in (agent, steady))
    assert filtered.mean() > as_seen.mean() + 20
    alone = [episode_returns(steady, noisy, seeds=[seed])[0] for seed in range(6)]
    np.testing.assert_allclose(filtered, alone, rtol=1e-6)
    envs = DummyVecEnv([noisy])
    envs.seed(0)
    by_sb3, _ = evaluate_policy(steady, envs, n_eval_episodes=1, warn=False)  # type: ignore[arg-type]
    assert by_sb3 == pytest.approx(alone[0], rel=1e-3)


def test_the_belief_is_reset_where_an_episode_starts() -> None:
    sensors = KalmanFilter(PENDULUM, STD)
    estimates: list[np.ndarray] = []

    class Listener(Idle):
        def predict(self, observation: np.ndarray, **kwargs: Any) -> tuple[np.ndarray, Any]:
            estimates.append(observation)
            return super().predict(observation, **kwargs)

    agent = Filtered(Listener(gymnasium.make("Pendulum-v1").action_space), sensors)
    _, seen, _ = swung(STD, steps=3, rows=2)
    _, state = agent.predict(seen[0], episode_start=np.array([True, True]))
    _, state = agent.predict(seen[1], state=state, episode_start=np.array([False, True]))
    np.testing.assert_allclose(estimates[1][1], sensors.observation(sensors.start(seen[1]))[1])
    assert np.abs(estimates[1][0] - sensors.observation(sensors.start(seen[1]))[0]).max() > 1e-3
    one, _ = agent.predict(seen[0][0])
    assert one.shape == (1,)


@pytest.mark.parametrize("scale", [1e308, 1e7])
def test_a_row_whose_forecast_carries_no_information_restarts(scale: float) -> None:
    sensors = KalmanFilter(SPRING, 0.1)
    seen = np.ones((2, 2))
    belief = sensors.start(seen)
    broken = replace(belief, covariance=belief.covariance * np.array([scale, 1.0])[:, None, None, None])
    after = sensors.update(broken, np.zeros((2, 1)), seen)
    np.testing.assert_array_equal(after.mean[0], sensors.start(seen).mean[0])
    np.testing.assert_array_equal(after.mean[1], sensors.update(belief, np.zeros((2, 1)), seen).mean[1])


@pytest.mark.parametrize("std", [0.0, -0.1, np.nan, (0.1, 0.1), np.inf])
def test_invalid_noise_is_refused(std: Any) -> None:
    with pytest.raises(InputError, match=r"noise of 3 observation entries|std .* NaN is not a number"):
        KalmanFilter(PENDULUM, std)


def test_a_world_learned_from_noisy_data_knows_its_sensors(tmp_path: Path) -> None:
    noisy = hnn_gym.ObservationNoise(gymnasium.make("Pendulum-v1"), 0.05)
    coordinates = PENDULUM.coordinates.to_json()
    recorded = hnn_gym.record_steps(noisy, steps=400, seed=0, coordinates=coordinates)
    settings = hnn_gym.FitSettings(
        loss="shooting", horizon=10, adam_steps=0, lbfgs_steps=0, least_squares_steps=15, decay=1e-5
    )
    train_ensemble(recorded, members=2, settings=settings)[1].save(tmp_path / "world")
    found = hnn_gym.WorldModel.load(tmp_path / "world").card["figures"]["sensor_noise"]
    np.testing.assert_allclose(found, noisy.std, rtol=0.2)
    belief = KalmanFilter(tmp_path / "world").start(np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(belief.covariance[0, 0], np.diag([found[1] ** 2, found[2] ** 2]), atol=1e-12)
    with pytest.raises(InputError, match="give std"):
        KalmanFilter("HNNPendulum-v0")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (np.array([[1.0, 0.0, 0.0], [1.0, np.nan, 0.0]]), r"rows \[1\] are not finite"),
        (np.zeros((1, 2)), r"their shape is \(1, 2\)"),
        (np.zeros(3), r"their shape is \(3,\)"),
    ],
)
def test_invalid_readings_are_refused(seen: np.ndarray, words: str) -> None:
    sensors = KalmanFilter(PENDULUM, STD)
    with pytest.raises(InputError, match=words):
        sensors.start(seen)
    with pytest.raises(InputError, match=words):
        sensors.update(sensors.start(np.ones((len(seen), 3))), np.zeros((len(seen), 1)), seen)


@pytest.mark.parametrize("memories", [(0.0,), (0.9, 1.1), (np.nan,), ()])
def test_invalid_memories_are_refused(memories: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"shares in \(0, 1\]|memories .* NaN is not a number"):
        KalmanFilter(PENDULUM, 0.1, memories=memories)
