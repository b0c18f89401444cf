"""Back to the very start: environments that step on a lattice can be undone bit for bit, or refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError

EXACT = ["Spring-v0", "HNNSpring-v0", "IdealPendulum-v0", "HNNPendulum-v0", "TwoBody-v0", "HNNTwoBody-v0"]
LONG: dict[str, Any] = {"exactly_reversible": True, "max_episode_steps": 10**6}


def _actions(space: Any, steps: int) -> np.ndarray:
    """Random ones, weak enough for no collision and no speed limit: they are there and back the same."""
    rng = np.random.default_rng(0)
    return (0.2 * rng.uniform(space.low, space.high, (steps, *space.shape))).astype(np.float32)


@pytest.mark.parametrize("env_id", EXACT)
def test_thousands_of_steps_under_forces_and_back_give_the_start_to_the_bit(env_id: str) -> None:
    env: Any = gymnasium.make(env_id, **LONG).unwrapped
    env.reset(seed=1)
    start, actions = env.phase_point, _actions(env.action_space, 1000 if "Body" in env_id else 3000)
    points = []
    for action in actions:
        points.append(env.phase_point)
        env.step(action)
    assert np.abs(env.phase_point - start).max() > 0.01
    env.reverse()
    for action, point in zip(actions[::-1], points[::-1], strict=True):
        env.step(action)
        assert env.phase_point.tobytes() == point.tobytes()
    assert env.phase_point.tobytes() == start.tobytes()
    env.reverse()  # and there again
    env.step(actions[0])
    assert env.phase_point.tobytes() == points[1].tobytes()


def _stepped(env: Any, points: list[np.ndarray]) -> None:
    """Ten steps, each point that is reached noted."""
    for _ in range(10):
        env.step(np.zeros(1, np.float32))
        points.append(env.phase_point)


def test_a_step_that_would_leave_the_lattice_is_refused_and_the_way_back_is_kept() -> None:
    env: Any = gymnasium.make("IdealPendulum-v0", **LONG).unwrapped
    env.reset(options={"state": [4095.0, 8.0]})  # it goes over the top, at 0.2 to 0.4 rad a step; the limit is 4096
    points = [env.phase_point]
    with pytest.raises(InputError, match="beyond 4096"):
        _stepped(env, points)
    assert len(points) >= 2
    assert np.abs(env.phase_point).max() < 4096
    env.reverse()
    for point in points[-2::-1]:
        env.step(np.zeros(1, np.float32))
        assert env.phase_point.tobytes() == point.tobytes()


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("env_id", ["HNNIdealPendulum-v0", "HNNTwoBody-v0"])
def test_a_batch_comes_back_to_the_bit_too(env_id: str, device: str | None) -> None:
    envs: Any = gymnasium.make_vec(env_id, num_envs=50, vectorization_mode="vector_entry_point", device=device, **LONG)
    envs.reset(seed=0)
    batch = envs.unwrapped.batch
    start, actions = np.asarray(batch.x).copy(), _actions(envs.action_space, 300)
    for action in actions:
        envs.step(action)
    assert (np.abs(np.asarray(batch.x) - start).max(-1) > 1e-3).all()
    envs.unwrapped.reverse()
    for action in actions[::-1]:
        envs.step(action)
    assert np.asarray(batch.x).tobytes() == start.tobytes()


def test_without_the_lattice_a_batch_comes_back_closely() -> None:
    envs: Any = gymnasium.make_vec("HNNPendulum-v0", num_envs=50, vectorization_mode="vector_entry_point")
    envs.reset(seed=0)
    batch, actions = envs.unwrapped.batch, _actions(envs.action_space, 100)
    start = batch.x.copy()
    for action in actions:
        envs.step(action)
    envs.unwrapped.reverse()
    for action in actions[::-1][:99]:
        envs.step(action)
    # Step 200 of an episode would end it: the last step back is taken by the world itself.
    back = batch.simulator.world.step(batch.x, actions[0])
    difference = np.abs(back - start).max()
    assert 0 < difference < 1e-8


@pytest.mark.parametrize("env_id", EXACT)
def test_the_motion_is_that_of_the_environment_down_to_the_lattice(env_id: str) -> None:
    plain, exact = (gymnasium.make(env_id, exactly_reversible=exactly) for exactly in (False, True))
    assert exact.spec is not None
    assert gymnasium.envs.registration.EnvSpec.from_json(exact.spec.to_json()).kwargs["exactly_reversible"]
    np.testing.assert_allclose(plain.reset(seed=2)[0], exact.reset(seed=2)[0], atol=1e-6)
    for action in _actions(plain.action_space, 50):
        one, other = plain.step(action), exact.step(action)
        np.testing.assert_allclose(one[0], other[0], atol=1e-6)
        assert one[1] == pytest.approx(other[1], abs=1e-7)


def test_starts_states_and_bumps_are_put_on_the_lattice() -> None:
    env: Any = gymnasium.make("HNNPendulum-v0", actions="force+bump", **LONG).unwrapped
    lattice = env.world.integrator
    env.reset(options={"state": [0.1, 0.3]})
    for put in (
        lambda: env.step(np.array([0.3, 0.1])),
        lambda: env.bump(0.1),
        lambda: setattr(env, "state", [1 / 3, 0]),
    ):
        put()
        np.testing.assert_array_equal(lattice.snap(env.phase_point), env.phase_point)
    before = env.phase_point
    realised = env.bump(0.2)
    assert realised == pytest.approx(0.2, abs=1e-11)
    assert realised == pytest.approx(float(env.world.energy(env.phase_point) - env.world.energy(before)), abs=1e-15)


@pytest.mark.parametrize(
    ("env_id", "words"),
    [
        ("HNNRealPendulum-v0", "the forces here depend on p"),
        ("BaselinePendulum-v0", "these dynamics are not of that kind"),
        ("damped", "the forces here depend on p"),
    ],
)
def test_what_cannot_be_undone_is_refused_when_it_is_made(env_id: str, words: str) -> None:
    world: Any = env_id
    if env_id == "damped":
        world = resolve_world("HNNPendulum-v0")
        world = replace(world, dynamics=replace(world.dynamics, damping=np.array([0.1])))
    with pytest.raises(InputError, match=words):
        hnn_gym.SimulatorEnv(world, exactly_reversible=True)


def test_a_step_that_meets_the_speed_limit_is_refused_and_changes_nothing() -> None:
    env: Any = gymnasium.make("HNNPendulum-v0", **LONG).unwrapped
    env.reset(options={"state": [np.pi, 7.95]})
    before = env.phase_point
    env.step(np.array([0.0]))
    env.reset(options={"state": [np.pi, 7.95]})
    with pytest.raises(InputError, match="met the speed limit of 8, and clipping cannot be undone"):
        env.step(np.array([2.0]))
    np.testing.assert_array_equal(env.phase_point, before)


def test_a_batch_of_which_one_copy_would_leave_the_lattice_stays_where_it_is() -> None:
    envs: Any = gymnasium.make_vec("HNNIdealPendulum-v0", 3, vectorization_mode="vector_entry_point", **LONG)
    envs.reset(seed=0)
    batch = envs.unwrapped.batch
    batch.x[1] = batch.simulator.world.phase_point(np.array([4095.9]), np.array([9.0]))
    before = batch.x.copy()
    with pytest.raises(InputError, match="beyond 4096"):
        envs.step(np.zeros((3, 1)))
    assert batch.x.tobytes() == before.tobytes()


def test_single_precision_has_no_lattice() -> None:
    with pytest.raises(InputError, match='needs dtype="float64"'):
        gymnasium.make_vec("HNNSpring-v0", num_envs=2, exactly_reversible=True, dtype="float32")


def test_at_rest_a_bump_goes_towards_larger_q_and_bodies_stay() -> None:
    for env_id, velocity in (("IdealPendulumBump-v0", 0.632), ("HNNIdealPendulumBump-v0", 0.632)):  # sqrt(4 x 0.1 J)
        env: Any = gymnasium.make(env_id).unwrapped
        env.reset(options={"state": [0.0, 0.0]})
        assert env.bump(0.1) == pytest.approx(0.1)
        assert env.state[1] == pytest.approx(velocity, abs=1e-3)
        env.reset(options={"state": [0.0, 0.0]})
        *_, info = env.step(np.array([0.1]))
        assert info["bump_realised"] == pytest.approx(0.1)
        assert env.bump(0.0) == 0.0
    for env_id, kwargs in (("TwoBody-v0", {}), ("HNNTwoBody-v0", {}), ("NBody-v0", {"masses": (1.0, 2.5, 0.3)})):
        env = gymnasium.make(env_id, **kwargs).unwrapped
        env.reset(seed=0)
        n = env.world.coordinates.n
        env.state = np.concatenate([env.state[:n], np.zeros(n)])
        assert env.bump(0.1) == 0.0
        np.testing.assert_array_equal(env.state[n:], 0.0)
