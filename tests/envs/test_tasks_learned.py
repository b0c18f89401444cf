"""The learned environments are drop-ins for the true ones, also in rewards, and they obey physics."""

import gymnasium
import numpy as np
import pytest

from hnn_gym.collect import CollectSettings, collect
from hnn_gym.data import record_steps
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.envs.tasks import task_for
from hnn_gym.systems import ThreeBodyBound
from hnn_gym.training import FitSettings, one_step_rms, train_world

SYSTEMS = ("Spring", "IdealPendulum", "TwoBody", "ThreeBody")
PAIRS = [(f"{kind}{system}-v0", f"{system}-v0") for system in SYSTEMS for kind in ("HNN", "Baseline")]


@pytest.mark.parametrize(("learned_id", "true_id"), PAIRS)
def test_a_learned_environment_starts_where_the_true_one_does_and_pays_the_same(learned_id, true_id):
    learned, true = gymnasium.make(learned_id), gymnasium.make(true_id)
    for seed in range(3):
        first, second = learned.reset(seed=seed)[0], true.reset(seed=seed)[0]
        # The start passes through momenta p = m v and back, which costs a rounding where m is learned.
        assert np.allclose(first, second, rtol=0, atol=1e-6)
        for _ in range(3):
            action = true.action_space.sample()
            one, two = learned.step(action), true.step(action)
            assert one[1] == pytest.approx(two[1], abs=0.05)
            assert one[2:4] == two[2:4]


FIT = FitSettings(adam_steps=2, lbfgs_steps=2)


@pytest.mark.parametrize(("learned_id", "true_id"), [("HNNPendulum-v0", "Pendulum-v1"), ("HNNSpring-v0", "Spring-v0")])
def test_a_world_learned_from_a_learned_one_has_the_task_of_the_original(learned_id, true_id, tmp_path):
    first = train_world(
        collect(CollectSettings(env=learned_id, steps=30, out=tmp_path / "first")), "mechanical", settings=FIT
    )
    second = train_world(
        record_steps(gymnasium.make("HNN-v0", world_model=first), steps=30, seed=0), "mechanical", settings=FIT
    )
    true, force = gymnasium.make(true_id).unwrapped, np.zeros((1, len(first.coordinates.controls)))
    for world in (first, second):
        env = gymnasium.make("HNN-v0", world_model=world).unwrapped
        assert type(env.task) is type(build_simulator(true_id).task)
        # The start passes through momenta p = m v and back, which costs a rounding where m is learned.
        assert np.allclose(env.reset(seed=3)[0], true.reset(seed=3)[0], rtol=0, atol=1e-6)
        q, v = env.task.initial(np.random.default_rng(0), {})
        states = q[None], v[None], force, q[None], v[None]
        np.testing.assert_array_equal(env.task.reward(*states), build_simulator(true_id).task.reward(*states))


@pytest.mark.parametrize("env_id", ["HNNPendulum-v0", "HNNPixelPendulum-v0", "Spring-v0"])
def test_a_world_learned_under_a_reward_that_no_card_can_store_learns_that_reward(env_id):
    given = {} if "Pixel" in env_id else {"reward": lambda seen, force, then: then[..., 0]}
    world = train_world(record_steps(gymnasium.make(env_id, **given), steps=30, seed=0), "mechanical", settings=FIT)
    assert any(sentence.startswith("The reward is") for sentence in world.card["task"]["words"])
    env = gymnasium.make("HNN-v0", world_model=world)
    env.reset(seed=0)
    seen, reward, *_ = env.step(np.zeros(1))
    if given:  # the recording leaves open how much of a reward is read before the step, and how much after it
        assert reward == pytest.approx(float(seen[0]), abs=0.05)


# One-step RMS in units of each entry's size; the cards contain the reached values (docs/environments.md).
@pytest.mark.parametrize(
    ("env_id", "bar"),
    [("HNNSpring-v0", 5e-5), ("HNNIdealPendulum-v0", 1e-5), ("HNNTwoBody-v0", 5e-5), ("HNNThreeBody-v0", 1e-3)],
)
def test_a_learned_world_predicts_a_step_that_it_was_not_trained_on(env_id, bar):
    true = gymnasium.make(env_id.removeprefix("HNN"), max_episode_steps=50)
    assert one_step_rms(resolve_world(env_id), record_steps(true, steps=300, seed=77)) < bar


@pytest.mark.parametrize(
    ("env_id", "steps", "bar"),
    [("HNNSpring-v0", 2000, 1e-3), ("HNNIdealPendulum-v0", 2000, 1e-3), ("HNNTwoBody-v0", 1000, 1e-3)],
)
def test_the_true_energy_stays_in_a_dream_without_control(env_id, steps, bar):
    learned, true = resolve_world(env_id), resolve_world(env_id.removeprefix("HNN"))
    rng, task = np.random.default_rng(3), task_for(true)
    q, v = (np.stack(part) for part in zip(*[task.initial(rng, {}) for _ in range(8)], strict=True))
    path = learned.state(learned.rollout(learned.phase_point(q, v), steps=steps))
    energy = true.energy(true.phase_point(*path))
    assert (np.ptp(energy, axis=0) / np.abs(energy[0])).max() < bar


def test_learned_bodies_keep_momentum_and_angular_momentum():
    world = resolve_world("HNNThreeBody-v0")
    q, v = ThreeBodyBound().initial(np.random.default_rng(0), {})
    path = world.rollout(world.phase_point(q, v), steps=200)
    places, momenta = path[:, :6].reshape(-1, 3, 2), path[:, 6:].reshape(-1, 3, 2)
    spin = (places[..., 0] * momenta[..., 1] - places[..., 1] * momenta[..., 0]).sum(-1)
    assert np.ptp(momenta.sum(1), axis=0).max() < 1e-12
    assert np.ptp(spin) < 1e-11 * np.abs(spin[0])


def test_the_real_pendulum_loses_energy_by_friction_and_obeys_the_hypothetical_acceleration():
    for env_id in ("HNNRealPendulum-v0", "BaselineRealPendulum-v0"):
        world = resolve_world(env_id)
        x = world.phase_point(np.array([1.0]), np.array([0.0]))
        pushed = world.step(x, np.array([1.0])) - world.step(x, np.array([0.0]))
        # By definition dv/dt grows by 0.1 rad/s^2 for 1/6 s; a step moves the restoring force by less than 2 %.
        assert pushed[1] == pytest.approx(0.1 / 6, rel=0.05), env_id
    world = resolve_world("HNNRealPendulum-v0")
    energy = world.energy(world.rollout(world.phase_point(np.array([1.2]), np.array([0.0])), steps=400))
    assert energy[-1] < 0.7 * energy[0]
    assert (np.diff(energy[::32]) < 0).all()
