"""Bodies that nothing pushes tell how many times heavier than the first the others are."""

import re
from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.models import HNN, MechanicalHNN, SeparableHNN, Variables
from hnn_gym.models.architecture import check_shapes
from hnn_gym.physics.integrators import Leapfrog
from hnn_gym.physics.phase import split
from hnn_gym.training import FitSettings, train_world
from hnn_gym.training.determination import physical_words

MASSES = np.array([1.0, 2.5])
STIFFNESS, FASTER = 40.0, 100
"""Of the spring between the carts, and steps of the oracle in 0.03 s, whose errors are then below 1e-7."""
CARTS = Variables((False, False), (0.3, 0.3), (1.5, 0.8), (10.0, 5.0))


def carts(rows: int, *, fixed_spring: float, noise: float = 0.0, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Stamps, positions and velocities of two carts: a spring between them, and one from the first to the wall."""
    rng = np.random.default_rng(seed)
    time = np.concatenate([[0.0], np.cumsum(0.03 * rng.uniform(0.8, 1.2, rows - 1))])
    q, v, states = np.array([0.5, -0.3]), np.array([0.2, 0.4]), []

    def acceleration(q: np.ndarray) -> np.ndarray:
        stretch = q[1] - q[0]
        return np.array([STIFFNESS * stretch - fixed_spring * q[0], -STIFFNESS * stretch]) / MASSES

    for step in np.diff(time, prepend=0.0):
        h = step / FASTER
        for _ in range(FASTER if step else 0):
            v = v + h / 2 * acceleration(q)
            q = q + h * v
            v = v + h / 2 * acceleration(q)
        states.append((q, v))
    positions, velocities = np.array(states).swapaxes(0, 1)
    return time, positions + noise * rng.normal(size=positions.shape), velocities


def test_two_carts_of_unequal_mass_are_learned_from_positions_and_stamps_alone():
    time, q, v = carts(80, fixed_spring=0.0, noise=1e-3)
    log = TransitionDataset.from_arrays(time, q, settings=LogSettings(lengths=("q0", "q1")))
    fit = FitSettings(loss="shooting", horizon=10, adam_steps=0, lbfgs_steps=0, least_squares_steps=3, decay=1e-8)
    world = train_world(log, "mechanical", settings=fit, options={"hidden": ()}, integrator=Leapfrog())
    p = world.dynamics.momentum(q, v)
    # The noise of the positions is .3 % of their size, and a mass is known from 80 of them to about as much.
    assert p[0, 1] / v[0, 1] == pytest.approx(MASSES[1], rel=0.02)
    (line,) = physical_words(world.card)
    assert re.fullmatch(r"Mass of position 2: 2\.[45]\d* \+- 0\.0\d+ times that of the first", line)
    # Only the carts pull each other: their momentum is that of the first moment, and would not be with equal masses.
    total, wrong = p.sum(axis=1), v.sum(axis=1)
    assert np.ptp(total) < 0.05 * np.ptp(p)
    assert np.ptp(wrong) > 0.2 * np.ptp(v)
    path = world.rollout(world.phase_point(q[:1], v[:1]), durations=np.diff(time)[:, None], steps=len(time) - 1)
    assert np.abs(split(path[:, 0])[0] - q).max() < 0.05 * np.ptp(q)


def test_a_network_potential_finds_the_ratio_too():
    time, q, v = carts(200, fixed_spring=20.0)
    log = TransitionDataset.from_arrays(time, q, velocity=v, settings=LogSettings(lengths=("q0", "q1")))
    fit = FitSettings(horizon=1, adam_steps=0, lbfgs_steps=0, least_squares_steps=15)
    world = train_world(log, "mechanical", settings=fit, options={"hidden": (8,)}, integrator=Leapfrog())
    assert np.exp(world.parameters["inertia.ratios"][0]) == pytest.approx(MASSES[1], rel=0.05)


@pytest.mark.parametrize("model", [MechanicalHNN, SeparableHNN, HNN])
def test_the_first_mass_that_moves_is_the_unit_and_constants_of_the_episode_have_none(model):
    architecture = model(replace(CARTS, angles=(False,) * 4, fixed=(True, False, False, False), **scales(4)), (4,))
    parameters = architecture.initial_parameters(np.random.default_rng(0))
    assert parameters["inertia.ratios"].shape == (2,)
    dynamics = architecture.build(parameters | {"inertia.ratios": np.log([2.0, 3.0])})
    np.testing.assert_allclose(dynamics.momentum(np.zeros(4), np.ones(4)), [1.0, 1.0, 2.0, 3.0])


def test_parameters_of_release_0_2_have_equal_masses():
    architecture = MechanicalHNN(CARTS, (4,))
    old = architecture.initial_parameters(np.random.default_rng(0))
    del old["inertia.ratios"]
    check_shapes(architecture, old)
    np.testing.assert_array_equal(architecture.build(old).momentum(np.zeros(2), np.ones(2)), [1.0, 1.0])


def scales(n: int) -> dict[str, tuple[float, ...]]:
    return {name: (1.0,) * n for name in ("position_scales", "velocity_scales", "acceleration_scales")}
