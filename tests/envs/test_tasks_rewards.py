"""Rewards and terminations, against cases worked out by hand."""

import numpy as np
import pytest

from hnn_gym.systems import (
    IdealPendulumSwingUp,
    NBodyBound,
    OrbitTransfer,
    RealPendulumSustain,
    SpringHold,
    ThreeBodyBound,
)

NO = np.zeros(1)


def arriving(task, q, v, u):
    q, v, u = (np.atleast_1d(np.asarray(values, dtype=float)) for values in (q, v, u))
    return task.reward(np.full_like(q, 9.0), np.full_like(v, 9.0), u, q, v)


@pytest.mark.parametrize(
    ("q", "v", "u", "expected"),
    [
        (np.sqrt(0.5), 0.0, 0.0, 0.0),  # all of 0.5 J in the spring
        (0.0, np.sqrt(2.0), 0.0, 0.0),  # all of it in the motion: v^2 / 4
        (1.0, 0.0, 0.0, -1.0),  # 1 J is off by 100 %
        (0.0, 0.0, 0.2, -1.01),  # at rest, off by -100 %, under full force
        (0.5, 1.0, -0.1, -0.0025),  # 0.25 J + 0.25 J, half the force
    ],
)
def test_spring_reward_is_the_energy_error_and_the_effort(q, v, u, expected):
    assert arriving(SpringHold(), q, v, u) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("q", "v", "u", "expected"),
    [
        (np.pi, 0.0, 0.0, 0.0),
        (-np.pi, 0.0, 0.0, 0.0),
        (7 * np.pi, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, -(np.pi**2)),
        (np.pi / 2, 2.0, -1.0, -(np.pi**2 / 4 + 0.4 + 0.001)),
    ],
)
def test_ideal_pendulum_reward_is_zero_at_rest_upright(q, v, u, expected):
    assert arriving(IdealPendulumSwingUp(), q, v, u) == pytest.approx(expected, abs=1e-12)


def test_ideal_pendulum_has_no_torque_to_be_lifted_slowly():
    task = IdealPendulumSwingUp()
    assert task.truth.gravity_torque > 2 * task.force_limit


@pytest.mark.parametrize(
    ("q", "v", "u", "expected"),
    [
        (0.0, np.sqrt(1.4), 0.0, 0.0),
        (np.arccos(1 - 0.7 / 1.2), 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.1, -1.01),
    ],
)
def test_real_pendulum_reward_is_the_energy_error_and_the_effort(q, v, u, expected):
    assert arriving(RealPendulumSustain(), q, v, u) == pytest.approx(expected, abs=1e-12)


def test_orbit_reward_is_one_on_the_target_orbit_whichever_way_round_and_wherever_it_is():
    q, speed = np.array([11.5, 5.0, 8.5, 5.0]), np.sqrt(2 / 3) / 2
    for way in (1, -1):
        v = np.array([0.3, 0.1 + way * speed, 0.3, 0.1 - way * speed])
        assert arriving(OrbitTransfer(), q, v, np.zeros(2)) == pytest.approx(1.0, abs=1e-12)


def test_orbit_reward_counts_distance_speed_and_thrust_as_its_formula_says():
    # 1.5 m apart, half of 3 m, and at rest: e = 0.25 + 1, and one engine at full, one at half power.
    reward = arriving(OrbitTransfer(), [0.75, 0, -0.75, 0], np.zeros(4), [0.1, -0.05])
    assert reward == pytest.approx(1 / 13.5 - 0.075, abs=1e-12)
    # At the target distance, flying apart at the circular speed: e = 1 + 1.
    away = np.array([1.0, 0, -1.0, 0]) * np.sqrt(2 / 3) / 2
    assert arriving(OrbitTransfer(), [1.5, 0, -1.5, 0], away, np.zeros(2)) == pytest.approx(1 / 21, abs=1e-12)


@pytest.mark.parametrize(("distance", "over"), [(0.49, True), (0.51, False), (11.9, False), (12.1, True)])
def test_orbit_ends_by_collision_or_escape(distance, over):
    q = np.array([distance / 2, 0, -distance / 2, 0])
    assert bool(OrbitTransfer().terminated(q, np.zeros(4))) is over


def test_three_bodies_are_paid_for_being_together_and_charged_for_thrust():
    # Distances 0, 2 and 2 m from the centre of mass, R = 4 m: mean of 0, 1/4 and 1/4.
    q = np.array([1.0, 1, 3, 1, -1, 1])
    assert arriving(ThreeBodyBound(), q, np.zeros(6), [0.2, 0.1]) == pytest.approx(1 - 1 / 6 - 0.075, abs=1e-12)


@pytest.mark.parametrize(
    ("q", "over"),
    [
        ([0.0, 0, 1, 0, -1, 0], False),
        ([0.0, 0, 0.19, 0, -1, 0], True),  # two have collided
        ([0.0, 0, 1, 0, 7, 0], True),  # one is 4.3 m from the centre of mass
        ([0.0, 0, 1, 0, 6, 0], False),
    ],
)
def test_three_bodies_end_by_collision_or_escape(q, over):
    assert bool(ThreeBodyBound().terminated(np.array(q), np.zeros(6))) is over


def test_the_centre_of_mass_counts_masses_and_softened_bodies_pass_through_each_other():
    task = NBodyBound(masses=(3.0, 1.0), softening=0.1)
    # The centre is 1 m from the heavy body and 3 m from the light one; R = 2 (1 + sqrt 2) m.
    reward = arriving(task, [0.0, 0, 4, 0], np.zeros(4), np.zeros(2))
    assert reward == pytest.approx(1 - (1 + 9) / 2 / (2 * (1 + np.sqrt(2))) ** 2, abs=1e-12)
    assert not task.terminated(np.array([0.0, 0, 0.01, 0]), np.zeros(4))
    assert NBodyBound(masses=(3.0, 1.0), softening=0.0).terminated(np.array([0.0, 0, 0.01, 0]), np.zeros(4))


@pytest.mark.parametrize(
    "task",
    [SpringHold(), IdealPendulumSwingUp(), RealPendulumSustain(), OrbitTransfer(), ThreeBodyBound(), NBodyBound(4)],
)
def test_a_batch_is_rewarded_and_ended_as_its_elements_are(task):
    rng = np.random.default_rng(0)
    states = [task.initial(rng, {}) for _ in range(6)]
    q, v = (np.stack(values).reshape(2, 3, -1) for values in zip(*states, strict=True))
    u = rng.uniform(-0.1, 0.1, (2, 3, *task.action_space.shape))
    rewards, over = task.reward(q, v, u, q + 0.1, v), task.terminated(q, v)
    assert rewards.shape == over.shape == (2, 3)
    assert over.dtype == bool
    for i in np.ndindex(2, 3):
        assert task.reward(q[i], v[i], u[i], q[i] + 0.1, v[i]) == pytest.approx(rewards[i], abs=1e-14)
        assert task.terminated(q[i], v[i]) == over[i]


def test_rewards_and_ends_are_the_same_on_torch():
    import torch

    for task in (SpringHold(), IdealPendulumSwingUp(), RealPendulumSustain(), OrbitTransfer(), NBodyBound(4)):
        q, v = task.initial(np.random.default_rng(0), {})
        u = np.full(task.action_space.shape, 0.05)
        tensors = [torch.tensor(values) for values in (q, v, u, q, v)]
        assert float(task.reward(*tensors)) == pytest.approx(float(task.reward(q, v, u, q, v)), abs=1e-12)
        assert bool(task.terminated(*tensors[:2])) == bool(task.terminated(q, v))


@pytest.mark.parametrize(
    ("task", "energies"),
    [
        (SpringHold(), (0.01, 1.0)),  # (0.1)^2 to 1^2
        (IdealPendulumSwingUp(), (1.3**2, 5.9)),  # all in p, and below 6 J: it swings, and never goes over the top
    ],
)
def test_starts_lie_where_the_paper_draws_them(task, energies):
    rng = np.random.default_rng(0)
    states = np.array([np.concatenate(task.initial(rng, {})) for _ in range(2000)])
    q, p = states[:, :1], states[:, 1:] / 2
    radius = np.hypot(q, p)[:, 0]
    smallest, largest = (0.1, 1.0) if isinstance(task, SpringHold) else (1.3, 2.3)
    assert radius.min() >= smallest
    assert radius.max() <= largest
    assert radius.mean() == pytest.approx((smallest + largest) / 2, abs=0.02)
    energy = task.truth.energy(np.concatenate([q, p], axis=-1))
    assert energies[0] <= energy.min()
    assert energy.max() <= energies[1]


def test_two_bodies_start_opposite_each_other_with_nearly_the_speed_of_a_circle():
    rng, ratios = np.random.default_rng(0), []
    for _ in range(500):
        q, v = OrbitTransfer().initial(rng, {})
        assert np.array_equal(q[2:], -q[:2])
        assert np.array_equal(v[2:], -v[:2])
        assert (q[:2] >= 0.5).all()
        assert (q[:2] <= 1.5).all()
        assert abs(q[:2] @ v[:2]) < 1e-12
        # The pull 1 / (2 r)^2 holds a circle of radius r at v^2 = 1 / (4 r).
        ratios.append(np.linalg.norm(v[:2]) * np.sqrt(4 * np.linalg.norm(q[:2])))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.01)
    assert np.std(ratios) == pytest.approx(0.05, abs=0.01)


def test_three_bodies_start_at_120_degrees_with_nearly_the_speed_of_a_circle():
    rng = np.random.default_rng(0)
    for _ in range(50):
        q, v = ThreeBodyBound().initial(rng, {})
        places, velocities = q.reshape(3, 2), v.reshape(3, 2)
        radius = np.linalg.norm(places, axis=1)
        assert np.allclose(radius, radius[0])
        assert 0.9 <= radius[0] <= 1.2
        assert np.allclose(places.sum(0), 0, atol=1e-12)
        tangent = np.stack([-places[:, 1], places[:, 0]], axis=1) / radius[0]
        circle = tangent * (np.sqrt(3) * radius[0]) ** -0.5
        assert (np.abs(velocities - circle) <= 0.2 * np.abs(circle) + 1e-12).all()


def test_real_pendulum_starts_are_moments_of_swings_in_the_range_of_the_film():
    task, rng = RealPendulumSustain(), np.random.default_rng(0)
    energy = np.array([task.energy(*task.initial(rng, {})) for _ in range(500)])
    assert energy.min() >= 1.2 * (1 - np.cos(0.8)) - 1e-9
    assert energy.max() <= 1.2 * (1 - np.cos(1.4)) + 1e-9
