"""Lagrange's equations give the masses, the forces and the friction of rigid bodies, contacts or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.models import MechanicalHNN, Variables
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, RungeKutta4
from hnn_gym.training.equation_error import row_weights
from hnn_gym.training.one_step import OneStepSettings, fit_one_step
from hnn_gym.training.single_steps import one_step_errors, stepped
from hnn_gym.training.starting_point import StartingPoint
from hnn_gym.training.transitions import Transitions, turn

ROD = Link(mass=1.0, length=1.0, centre=0.5, inertia=1.0)
ACROBOT = PortHamiltonian(
    PlanarChain.of_links([ROD, ROD], gravity=9.8, upright=False), control=np.array([[0.0], [1.0]])
)


def steps_of_acrobot(count: int, *, dt: float, seed: int = 0) -> tuple[Transitions, Variables]:
    """Single steps of Acrobot-v1's equations from random states under random torques."""
    rng = np.random.default_rng(seed)
    q, v = rng.uniform(-np.pi, np.pi, (count, 2)), rng.normal(size=(count, 2)) * [2, 4]
    u = rng.choice([-1.0, 0.0, 1.0], (count, 1))
    next_q, next_v = stepped(ACROBOT, InVelocities(RungeKutta4()), q, v, u, dt=dt)
    steps = Transitions(q, v, u, next_q, next_v, *[np.ones(count, bool)] * 2, (True, True), np.ones(4, bool), dt)
    size = np.abs(next_v - v).mean(axis=0) / dt
    variables = Variables(
        (True, True), (1.0, 1.0), (2.0, 4.0), tuple(float(a) for a in size), (1,), (1.0,), in_physical_units=True
    )
    return steps, variables


def rigid(variables: Variables) -> MechanicalHNN:
    return MechanicalHNN(variables, hidden=(), mass_matrix="full", damping=True)


@pytest.mark.parametrize("contacts", [0.0, 0.3])
def test_masses_are_found_from_accelerations_even_where_a_third_of_them_are_of_contacts(contacts: float) -> None:
    steps, variables = steps_of_acrobot(600, dt=1e-3)
    hit = np.random.default_rng(1).random(600) < contacts
    steps = replace(steps, next_v=np.where(hit[:, None], -0.5 * steps.v, steps.next_v))
    model = rigid(variables)
    dynamics = model.build(StartingPoint(steps, variables, midpoint=True).candidates(model, seed=0)[0])
    q = np.random.default_rng(2).uniform(-np.pi, np.pi, (50, 2))
    for v in np.eye(2):
        # Accelerations are differences over 1 ms: of the order of dt^2 = 1e-6, times some conditioning.
        np.testing.assert_allclose(dynamics.momentum(q, v + 0 * q), ACROBOT.momentum(q, v + 0 * q), rtol=0, atol=2e-3)


def test_a_fit_through_the_scheme_reaches_rounding_from_a_coarse_first_guess() -> None:
    steps, variables = steps_of_acrobot(300, dt=0.2)
    model, scheme = rigid(variables), InVelocities(RungeKutta4())
    start = StartingPoint(steps, variables, midpoint=True).candidates(model, seed=0)[0]
    found = fit_one_step(model, scheme, steps, start, settings=OneStepSettings(steps=30))
    fresh, _ = steps_of_acrobot(200, dt=0.2, seed=1)
    before, after = (np.median(one_step_errors(model.build(p), scheme, fresh)) for p in (start, found))
    assert before > 1e-3
    assert after < 1e-6  # exact data and an exact model: what is left is the friction that begins above 0


def test_magnetic_forces_are_found_with_the_masses() -> None:
    rng = np.random.default_rng(0)
    q, v, dt = rng.uniform(-1, 1, (300, 2)), rng.normal(size=(300, 2)), 1e-3

    def acceleration(q: np.ndarray, v: np.ndarray) -> np.ndarray:
        return -q + 2 * (1 + 0.3 * q[:, :1]) * np.stack([v[:, 1], -v[:, 0]], axis=-1)

    half = v + dt / 2 * acceleration(q, v)
    next_v = v + dt * acceleration(q + dt / 2 * v, half)
    steps = Transitions(
        q, v, np.zeros((300, 0)), q + dt * half, next_v, *[np.ones(300, bool)] * 2, (False, False), np.ones(4, bool), dt
    )
    variables = Variables((False, False), (1.0, 1.0), (1.0, 1.0), (2.0, 2.0))
    model = MechanicalHNN(variables, hidden=(), mass_matrix="full", magnetic=True)
    dynamics = model.build(StartingPoint(steps, variables, midpoint=True).candidates(model, seed=0)[0])
    # Accelerations are differences over 1 ms, of order dt^2; the trap and the field are polynomials.
    np.testing.assert_allclose(dynamics.acceleration(q, v), acceleration(q, v), rtol=0, atol=1e-4)


def test_steps_that_nothing_explains_lose_their_weight() -> None:
    weights = row_weights(np.array([1.0, 1.0, 2.0, 1e3]))
    assert weights[:3].min() > 0.9
    assert weights[3] < 1e-3


def test_turns_are_the_shorter_way_round_only_for_angles() -> None:
    np.testing.assert_allclose(turn(np.array([6.0, 6.0]), (True, False)), [6.0 - 2 * np.pi, 6.0])


def test_steps_of_which_most_are_explained_exactly_have_weights() -> None:
    weights = row_weights(np.array([0.0, 0.0, 0.0, 1e-16, 1.0]))
    np.testing.assert_allclose(weights, [1, 1, 1, 1, 0], atol=1e-5)
