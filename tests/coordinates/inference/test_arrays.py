"""Maps inferred from arrays: finely integrated motions, odd observations, and uninformative recordings."""

import math
from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.coordinates import DegreeOfFreedom, LearnedReadout, Readout
from hnn_gym.coordinates.inference import AmbiguousMapError, Recording, infer_map
from hnn_gym.coordinates.inference.functions import exact_function
from hnn_gym.errors import InputError

DT = 0.05


def integrate(acceleration, q, v, actions, *, dt=DT, substeps=10):
    """States ``(T + 1, n)`` under actions that are held for a step each: RK4."""

    def rate(x, u):
        return np.concatenate([x[n:], acceleration(x[:n], x[n:], u)])

    n, x, h = len(q), np.concatenate([q, v]), dt / substeps
    path = [x]
    for u in actions:
        for _ in range(substeps):
            a = rate(x, u)
            b = rate(x + h / 2 * a, u)
            c = rate(x + h / 2 * b, u)
            x = x + h / 6 * (a + 2 * b + 2 * c + rate(x + h * c, u))
        path.append(x)
    return np.array(path)[:, :n], np.array(path)[:, n:]


def pendulum(q, v, u):
    return -9.81 * np.sin(q) + u


def spring(q, v, u):
    return -4 * q - 0.1 * v + u


def double_pendulum(q, v, u):
    """Two point masses of 1 kg on rods of 1 m, absolute angles; the force acts at the first joint."""
    c, s = np.cos(q[0] - q[1]), np.sin(q[0] - q[1])
    M = np.array([[2.0, c], [c, 1.0]])
    force = np.array([u[0] - s * v[1] ** 2 - 19.62 * np.sin(q[0]), s * v[0] ** 2 - 9.81 * np.sin(q[1])])
    return np.linalg.solve(M, force)


def episodes(acceleration, observe, *, n=1, m=1, count=8, steps=60, spread=1.5, seed=0, **options):
    """Recorded episodes of a motion from random starts under random forces."""
    rng = np.random.default_rng(seed)
    seen, done = [], []
    for _ in range(count):
        actions = rng.uniform(-2, 2, (steps, m))
        q, v = rng.uniform(-spread, spread, n), rng.uniform(-spread, spread, n)
        seen.append(observe(*integrate(acceleration, q, v, actions, **options)))
        done.append(actions)
    return seen, done


def both(q, v):
    return np.concatenate([q, v], axis=1)


def test_raw_angles_of_a_finely_integrated_double_pendulum():
    inferred = infer_map(Recording.of(*episodes(double_pendulum, both, n=2, count=20), dt=DT))
    assert inferred.coordinates.degrees == tuple(
        DegreeOfFreedom(position=i, velocity=2 + i, angle=True) for i in range(2)
    )
    assert inferred.dt == DT


def test_a_double_pendulum_seen_as_cosines_and_sines_in_any_order_and_in_noise():
    def observe(q, v):
        seen = np.stack([np.sin(q[:, 1]), v[:, 0], np.cos(q[:, 0]), v[:, 1], np.sin(q[:, 0]), np.cos(q[:, 1])], axis=1)
        return seen + 0.01 * seen.std(axis=0) * np.random.default_rng(1).normal(size=seen.shape)

    inferred = infer_map(Recording.of(*episodes(double_pendulum, observe, n=2, count=20), dt=DT))
    assert inferred.coordinates.degrees == (
        DegreeOfFreedom(cos=5, sin=0, velocity=3),
        DegreeOfFreedom(cos=2, sin=4, velocity=1),
    )


@pytest.mark.parametrize("low", [-math.pi, 0.0])
def test_an_angle_that_wraps(low):
    def observe(q, v):
        return both((q - low) % (2 * np.pi) + low, v)

    inferred = infer_map(Recording.of(*episodes(pendulum, observe, spread=9.0), dt=DT))
    degree = DegreeOfFreedom(position=0, velocity=1, angle=True, wraps=(low, low + 2 * math.pi))
    assert inferred.coordinates.degrees == (degree,)


def test_a_position_is_not_inferred_as_an_angle_but_an_angle_that_counts_turns_is():
    assert not infer_map(Recording.of(*episodes(spring, both), dt=DT)).coordinates.degrees[0].angle
    assert infer_map(Recording.of(*episodes(pendulum, both, spread=9.0), dt=DT)).coordinates.degrees[0].angle


def test_velocities_in_units_of_their_own_get_their_scales():
    def observe(q, v):
        return np.stack([np.cos(q[:, 0]), np.sin(q[:, 0]), v[:, 0] / 8, q[:, 1], v[:, 1]], axis=1)

    def cart(q, v, u):
        return np.array([u[0] - 9.81 * np.sin(q[0]), -4 * q[1] + 0.5 * np.cos(q[0])])

    inferred = infer_map(Recording.of(*episodes(cart, observe, n=2), dt=DT))
    angle, position = inferred.coordinates.degrees
    assert angle == DegreeOfFreedom(cos=0, sin=1, velocity=2, velocity_scale=angle.velocity_scale)
    assert angle.velocity_scale == pytest.approx(1 / 8, rel=1e-3)
    assert position == DegreeOfFreedom(position=3, velocity=4)
    assert inferred.dt == DT
    assert inferred.coordinates.controls[0].degree == 0


def test_the_time_step_is_read_from_the_velocities():
    assert infer_map(Recording.of(*episodes(spring, both))).dt == DT
    inferred = infer_map(Recording.of(*episodes(spring, both), dt=0.01))
    assert inferred.dt == DT
    assert "not 0.01 as recorded" in inferred.sentences[-1]


def test_constants_of_the_episode_functions_of_the_state_and_numbers_that_never_change():
    rng = np.random.default_rng(3)

    def observe(q, v):
        target = np.full_like(q, rng.uniform(-1, 1))
        tip = 0.5 * np.cos(q) - target
        speed = -0.5 * np.sin(q) * v
        return np.concatenate([tip, np.cos(q), speed, np.sin(q), v, target, np.full_like(q, 9.81)], axis=1)

    coordinates = infer_map(Recording.of(*episodes(pendulum, observe), dt=DT)).coordinates
    assert coordinates.degrees == (
        DegreeOfFreedom(cos=1, sin=3, velocity=4),
        DegreeOfFreedom(position=5, fixed=True),
    )
    assert coordinates.readouts == (
        Readout(0, (("q1", -1.0), ("cos(q0)", 0.5))),
        Readout(2, (("v0*sin(q0)", -0.5),)),
        Readout(6, (("1", 9.81),)),
    )


def test_an_entry_that_hardly_ever_moves_is_a_constant_of_the_episode_and_not_a_velocity():
    rng = np.random.default_rng(3)

    def observe(q, v):
        pushed = np.where(np.arange(len(q))[:, None] > rng.integers(5, len(q)), 1e-4, 0.0)  # once in an episode
        return np.concatenate([np.cos(q), np.sin(q), v, rng.uniform(-1, 1) + pushed], axis=1)

    inferred = infer_map(Recording.of(*episodes(pendulum, observe, count=12), dt=DT))
    assert inferred.coordinates.degrees[1] == DegreeOfFreedom(position=3, fixed=True)
    assert "what moves it in the others is not learned" in " ".join(inferred.sentences)


def test_a_constant_and_a_function_of_it_are_found_in_noise():
    rng = np.random.default_rng(3)

    def observe(q, v):
        target = np.full_like(q, rng.uniform(-1, 1))
        seen = np.concatenate([np.cos(q), np.sin(q), v, target, 0.5 * np.cos(q) - target], axis=1)
        return seen + 0.01 * rng.normal(size=seen.shape)

    coordinates = infer_map(Recording.of(*episodes(pendulum, observe, count=12), dt=DT)).coordinates
    assert coordinates.degrees == (DegreeOfFreedom(cos=0, sin=1, velocity=2), DegreeOfFreedom(position=3, fixed=True))
    ((term, one), (other, half)) = coordinates.readouts[0].terms
    assert (term, other) == ("q1", "cos(q0)")
    assert (one, half) == (pytest.approx(-1, abs=0.1), pytest.approx(0.5, abs=0.05))


def test_a_function_that_the_library_lacks_is_learned_and_its_error_reported():
    def observe(q, v):
        return np.concatenate([np.cos(q), np.sin(q), v, np.sqrt(1.3 + np.sin(q)) * np.tanh(v)], axis=1)

    inferred = infer_map(Recording.of(*episodes(pendulum, observe, count=12, spread=3.0), dt=DT))
    (readout,) = inferred.coordinates.readouts
    assert isinstance(readout, LearnedReadout)
    q, v = np.random.default_rng(5).uniform(-1.5, 1.5, (2, 200, 1))
    shown = observe(q, v)[:, 3:]
    np.testing.assert_allclose(inferred.coordinates.observation(q, v)[:, 3:], shown, atol=0.03)  # 2 % of its range
    assert any("learned function of cos(q0), sin(q0), v0 (off by" in sentence for sentence in inferred.sentences)


def test_the_tip_of_an_arm_with_its_velocity_is_not_a_degree_of_freedom():
    def observe(q, v):
        return np.concatenate([np.sin(q), -0.7 * np.cos(q), np.cos(q), v, 0.7 * np.sin(q) * v], axis=1)

    coordinates = infer_map(Recording.of(*episodes(pendulum, observe), dt=DT)).coordinates
    assert coordinates.degrees == (DegreeOfFreedom(cos=2, sin=0, velocity=3),)
    assert [readout.entry for readout in coordinates.readouts] == [1, 4]


def test_a_tip_on_a_circle_beside_its_raw_angle_is_a_function_of_it_and_shows_that_it_is_an_angle():
    def observe(q, v):
        return np.concatenate([q, v, np.sin(q), -np.cos(q)], axis=1)

    # It hardly moves, so that nothing else tells an angle from a position.
    inferred = infer_map(Recording.of(*episodes(pendulum, observe, spread=0.1), dt=DT))
    assert inferred.coordinates.degrees == (DegreeOfFreedom(position=0, velocity=1, angle=True),)
    assert inferred.coordinates.readouts == (Readout(2, (("sin(q0)", 1.0),)), Readout(3, (("cos(q0)", -1.0),)))
    assert inferred.coordinates.controls[0].degree == 0
    assert "entry 3 is a function of its cosine and sine" in inferred.sentences[0]


def test_positions_without_velocities_and_a_velocity_without_its_position():
    positions = infer_map(Recording.of(*episodes(spring, lambda q, v: q), dt=DT)).coordinates
    assert positions.degrees == (DegreeOfFreedom(position=0),)
    angles = infer_map(
        Recording.of(*episodes(pendulum, lambda q, v: np.concatenate([np.cos(q), np.sin(q)], axis=1)), dt=DT)
    )
    assert angles.coordinates.degrees == (DegreeOfFreedom(cos=0, sin=1),)

    def cart(q, v, u):  # its position is not shown, and nothing depends on it
        return np.array([u[0] - 0.5 * v[0] + np.sin(q[1]), -9.81 * np.sin(q[1]) - u[0]])

    hidden = infer_map(
        Recording.of(
            *episodes(cart, lambda q, v: np.stack([v[:, 0], np.cos(q[:, 1]), np.sin(q[:, 1]), v[:, 1]], 1), n=2), dt=DT
        )
    )
    assert hidden.coordinates.degrees == (DegreeOfFreedom(velocity=0), DegreeOfFreedom(cos=1, sin=2, velocity=3))


def test_an_elastic_wall_is_found_with_its_restitution():
    rng = np.random.default_rng(0)
    seen, done = [], []
    for _ in range(6):
        q, v, path, actions = rng.uniform(0, 1), 0.0, [], rng.uniform(-2, 2, (120, 1))
        path.append([q, v])
        for (u,) in actions:
            v += DT * (u - 3.0)
            q += DT * v
            if q < 0:
                q, v = 0.0, -0.7 * v
            path.append([q, v])
        seen.append(np.array(path))
        done.append(actions)
    low, high, restitution = infer_map(Recording.of(seen, done, dt=DT)).coordinates.degrees[0].stops
    assert (low, high) == (0.0, None)
    assert restitution == pytest.approx(0.7, abs=0.05)  # forces between the step before and the wall are noise here


def test_a_sensor_of_few_digits_shows_neither_walls_nor_a_speed_clip():
    def coarse(q, v):
        return np.round(both(q, v), 1)

    (degree,) = infer_map(Recording.of(*episodes(spring, coarse, count=20, steps=100), dt=DT)).coordinates.degrees
    assert (degree.stops, degree.speed_limit) == (None, None)


def by_table(table, *, count=10, steps=60, seed=0, n=1, acceleration=spring):
    """Recorded episodes under whole-number actions by a table of forces."""
    rng = np.random.default_rng(seed)
    seen, done = [], []
    for _ in range(count):
        actions = np.stack([rng.integers(len(part), size=steps) for part in table], axis=1)
        forces = sum(np.array(part)[actions[:, k]] for k, part in enumerate(table))
        seen.append(both(*integrate(acceleration, rng.normal(size=n), rng.normal(size=n), forces)))
        done.append(actions)
    return Recording.of(seen, done, dt=DT, action_counts=[len(part) for part in table])


def test_forces_of_whole_number_actions_that_are_not_evenly_spaced_keep_their_ratios():
    coordinates = infer_map(by_table([[[-2.0], [0.0], [1.0]]])).coordinates
    assert coordinates.controls[0].degree == 0
    (low,), (middle,), (high,) = coordinates.force_table
    assert (middle - low) / (high - low) == pytest.approx(2 / 3, abs=0.01)


def test_actions_of_several_whole_numbers_have_a_block_of_the_table_each():
    def two(q, v, u):
        return -4 * q + u

    coordinates = infer_map(
        by_table([[[-1.0, 0.0], [1.0, 0.0]], [[0.0, -1.0], [0.0, 0.0], [0.0, 1.0]]], n=2, acceleration=two)
    ).coordinates
    assert [control.degree for control in coordinates.controls] == [0, 1]
    assert coordinates.action_counts == (2, 3)
    assert coordinates.force_table == ((-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 0.0), (0.0, 1.0))


def test_actions_whose_effects_lie_on_no_line_get_a_force_each():
    def two(q, v, u):
        return -4 * q + u

    table = [[[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [-2.0, 0.0]]]
    coordinates = infer_map(by_table(table, n=2, acceleration=two)).coordinates
    assert coordinates.force_table == tuple(tuple(row) for row in np.eye(4).tolist())
    assert len(coordinates.controls) == 4


def test_an_ambiguous_map_names_the_alternatives_and_keeps_its_guess():
    def observe(q, v):
        again = v + 1e-4 * np.random.default_rng(2).normal(size=v.shape)
        return np.concatenate([q, v + 1e-4 * np.random.default_rng(3).normal(size=v.shape), again], axis=1)

    with pytest.raises(AmbiguousMapError, match=r"can both be the velocity of entry 0.*--coordinates") as refused:
        infer_map(Recording.of(*episodes(spring, observe), dt=DT))
    assert refused.value.guess.coordinates.observation_size == 3


def test_an_entry_that_nothing_explains_is_shown_by_a_network_and_called_unexplained():
    def observe(q, v):
        rng = np.random.default_rng(int(1e6 * abs(q[0, 0])))
        return np.concatenate([q, v, rng.normal(size=q.shape), q > 1.2], axis=1)  # and a flag that is rarely set

    inferred = infer_map(Recording.of(*episodes(spring, observe), dt=DT))
    assert inferred.coordinates.degrees == (DegreeOfFreedom(position=0, velocity=1),)
    assert [(type(readout), readout.entry) for readout in inferred.coordinates.readouts] == [
        (LearnedReadout, 2),
        (LearnedReadout, 3),
    ]
    assert any(
        "Entry 2 is a learned function" in text and "nothing that is observed explains it" in text
        for text in inferred.sentences
    )


def test_a_flag_that_is_rarely_set_is_no_function_that_is_zero_in_most_rows():
    rng = np.random.default_rng(0)
    q, v = rng.uniform(-1, 1, (2, 600, 2))
    flag = (q[:, 0] > 0.98).astype(float)
    assert exact_function(4, flag, q, v, waves=(True, True), linear=(True, True)) is None


def test_entries_without_any_mechanics_tell_each_other_how_they_change():
    """Lorenz's equations: no entry is the velocity of another one."""
    rng, seen, done = np.random.default_rng(0), [], []
    for _ in range(6):
        x, path, actions = np.array([0.0, 0.0, 20.0]) + rng.uniform(-10, 10, 3), [], rng.uniform(-1, 1, (80, 1))
        path.append(x)
        for (u,) in actions:
            for _ in range(10):
                a, b, c = x
                x = x + 0.002 * np.array([10 * (b - a) + 5 * u, a * (28 - c) - b, a * b - 8 / 3 * c])
            path.append(x)
        seen.append(np.array(path))
        done.append(actions)
    inferred = infer_map(Recording.of(seen, done, dt=0.02))
    assert inferred.coordinates.degrees == tuple(DegreeOfFreedom(velocity=i) for i in range(3))


def test_a_recording_from_which_no_map_can_be_inferred_is_refused():
    seen, done = episodes(spring, both)
    whole = Recording.of(seen, done, dt=DT)
    with pytest.raises(InputError, match="30 transitions at least"):
        infer_map(Recording.of([seen[0][:11]], [done[0][:10]], dt=DT))
    with pytest.raises(InputError, match=r"Nothing moves.*excites the system"):
        infer_map(replace(whole, observations=tuple(np.ones_like(one) for one in seen)))
    with pytest.raises(InputError, match=r"The action is 0 in every transition.*varies it"):
        infer_map(replace(whole, actions=tuple(np.zeros_like(one) for one in done)))
    with pytest.raises(InputError, match=r"actions \[1\] were never taken"):
        infer_map(Recording.of(seen, [2 * (one[:, 0] > 0) for one in done], dt=DT, action_counts=[3]))
    with pytest.raises(InputError, match="one observation more than actions"):
        Recording.of([seen[0]], [done[0][:-1]])
    with pytest.raises(InputError, match="NaN or infinity"):
        Recording.of([np.full_like(seen[0], np.nan)], [done[0]])
    with pytest.raises(InputError, match="no recorded transition"):
        Recording.of([seen[0][:1]], [done[0][:0]])
