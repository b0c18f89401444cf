"""Stops that give way: what they push with, alone and together, and how schemes step them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import (
    Gauss4,
    ImplicitMidpoint,
    InVelocities,
    RungeKutta4,
    StopsApart,
    Substeps,
    integrator_from_json,
    integrator_to_json,
)
from hnn_gym.physics.phase import join, split
from hnn_gym.physics.soft_stops import SoftStops

ARM = PlanarChain.of_links((Link(1.0, 1.0, 0.5, 0.1), Link(0.7, 0.8, 0.4, 0.05)), gravity=9.8, upright=False)
STOPS = SoftStops(
    degrees=(0, 1),
    low=np.array([-1.0, -np.inf]),
    high=np.array([1.0, 0.5]),
    stiffness=np.array([2000.0, 1500.0]),
    damping=np.array([90.0, 80.0]),
    compliance=np.array([0.02, 0.3]),
)
DYNAMICS = PortHamiltonian(ARM, control=np.eye(2), stops=STOPS)
FREE = replace(DYNAMICS, stops=None)


def test_between_the_stops_nothing_acts() -> None:
    q, v = np.array([[0.9, 0.4], [-0.9, -3.0]]), np.ones((2, 2))
    np.testing.assert_array_equal(DYNAMICS.acceleration(q, v), FREE.acceleration(q, v))


def test_a_stop_brings_the_acceleration_towards_what_it_asks_for() -> None:
    """A stop of compliance c = (1 - d) / d A gives (1 - d) a_0 + d a_ref, as in MuJoCo's documentation."""
    q, v, u = np.array([1.1, 0.0]), np.array([2.0, 0.3]), np.array([0.5, -0.2])
    mobility = np.linalg.inv(ARM.mass_matrix(q))[0, 0]
    alone = replace(STOPS, compliance=np.array([0.05 / 0.95 * mobility, 1.0]))
    free = FREE.acceleration(q, v, u)[0]
    asked = -2000.0 * 0.1 - 90.0 * 2.0
    found = replace(DYNAMICS, stops=alone).acceleration(q, v, u)[0]
    assert found == pytest.approx(0.05 * free + 0.95 * asked, rel=1e-12)
    leaving = DYNAMICS.acceleration(q, np.array([-30.0, 0.3]), u)  # a stop does not hold back
    np.testing.assert_array_equal(leaving, FREE.acceleration(q, np.array([-30.0, 0.3]), u))


def test_stops_that_are_met_together_push_as_the_conditions_of_the_minimum_say() -> None:
    rng = np.random.default_rng(0)
    q = np.stack([rng.choice([-1.05, 1.05], 400), np.full(400, 0.55)], axis=-1)
    v = rng.normal(size=(400, 2)) * 3
    side = np.stack([-np.sign(q[:, 0]), np.full(400, -1.0)], axis=-1)
    push = (DYNAMICS.momentum_rate(q, v) - FREE.momentum_rate(q, v)) * side  # towards the inside
    asked = STOPS.stiffness * np.abs(np.stack([np.abs(q[:, 0]) - 1, q[:, 1] - 0.5], axis=-1)) - STOPS.damping * v * side
    left = DYNAMICS.acceleration(q, v) * side + STOPS.compliance * push - asked
    assert push.min() > -1e-9
    assert left.min() > -1e-8 * np.abs(asked).max()  # no stop asks for more than it gets ...
    assert np.abs(left * push).max() < 1e-8 * np.abs(asked * push).max()  # ... and none that pushes gives more
    assert (push > 0).any(axis=0).all()
    assert (push == 0).any(axis=0).all()


def test_schemes_that_iterate_step_stops_apart_without_overshooting() -> None:
    with pytest.raises(InputError, match=r"use StopsApart\(Gauss4\(\)\)"):
        Gauss4().check(DYNAMICS)
    scheme = Substeps(StopsApart(ImplicitMidpoint()), 2)
    scheme.check(DYNAMICS)
    assert integrator_from_json(integrator_to_json(scheme)) == scheme
    q, v = np.array([0.99, 0.2]), np.array([6.0, 0.0])
    x = fine = join(q, ARM.momentum(q, v))
    paths = []
    for _ in range(20):
        x = scheme.step(DYNAMICS, x, 0.02, np.zeros(2))
        fine = InVelocities(Substeps(RungeKutta4(), 40)).step(DYNAMICS, fine, 0.02, np.zeros(2))
        paths.append((x, fine))
    apart = [np.abs(split(one)[0] - split(other)[0]).max() for one, other in paths]
    # In substeps of 0.01 s, as long as a stop brakes; without stops the arm would turn by several radians more.
    assert max(apart) < 0.25
    away = join(np.zeros(2), np.ones(2))
    np.testing.assert_array_equal(
        scheme.step(DYNAMICS, away, 0.01), Substeps(scheme.inner.inner, 2).step(FREE, away, 0.01)
    )  # type: ignore[attr-defined]
