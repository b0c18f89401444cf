"""A scheme has the order it declares: the error falls as steps^-order. A new scheme is tested by being registered."""

import numpy as np
import pytest

from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import NBody, Pendulum
from hnn_gym.physics.integrators import INTEGRATORS, SymplecticEuler
from hnn_gym.physics.reference import reference_trajectory
from hnn_gym.physics.simulate import integrate

DURATION = 2.0  # s: about a turn of the pendulum, half a turn of the bodies
SYSTEMS = {
    "pendulum": (PortHamiltonian(Pendulum()), np.array([1.0, 0.5])),
    "two bodies": (PortHamiltonian(NBody()), np.array([-0.5, 0, 0.5, 0, 0.1, -0.6, -0.1, 0.6])),
}
SCHEMES = {name: scheme() for name, scheme in INTEGRATORS.items()} | {"drift first": SymplecticEuler(drift_first=True)}
# Steps in the asymptotic range: errors from 1e-2 down to 1e-11, above the rounding of some 1e-13.
STEPS = {1: (2048, 4096, 8192), 2: (96, 192, 384), 4: (128, 192, 256), 6: (48, 64, 96, 128), 8: (40, 48, 56, 64)}
# Forward Euler's spiral straightens late, so the bodies turn a quarter of that time for order 1.
FIRST_ORDER_DURATION = DURATION / 4


def fitted_order(scheme, dynamics, x0):
    """Minus the slope of log error against log steps."""
    duration = FIRST_ORDER_DURATION if scheme.order == 1 else DURATION
    exact = reference_trajectory(dynamics, x0, np.array([0.0, duration]), rtol=1e-13, atol=1e-14)[-1]
    errors = []
    for steps in STEPS[scheme.order]:
        end = integrate(dynamics, x0, integrator=scheme, dt=duration / steps, steps=steps, record_every=steps)[-1]
        errors.append(np.linalg.norm(end - exact))
    return -np.polyfit(np.log(STEPS[scheme.order]), np.log(errors), 1)[0]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", SCHEMES)
def test_the_fitted_order_is_the_declared_one(name, system):
    scheme = SCHEMES[name]
    # 0.2 is the house's bound: the next order in the error bends the slope by less in the ranges above.
    assert fitted_order(scheme, *SYSTEMS[system]) == pytest.approx(scheme.order, abs=0.2)


@pytest.mark.parametrize("name", ["ImplicitMidpoint", "RungeKutta4"])
def test_general_schemes_keep_their_order_where_H_is_not_separable(name, bead):
    scheme = SCHEMES[name]
    assert fitted_order(scheme, bead, np.array([0.8, 0.3])) == pytest.approx(scheme.order, abs=0.2)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_order_also_holds_under_a_constant_force(name):
    pushed = PortHamiltonian(Pendulum(), control=np.array([[1.3]]))
    scheme, x0, u = SCHEMES[name], np.array([1.0, 0.5]), np.array([0.9])
    exact = reference_trajectory(pushed, x0, np.array([0.0, DURATION]), u=u, rtol=1e-13, atol=1e-14)[-1]
    errors = []
    for steps in (STEPS[scheme.order][0], STEPS[scheme.order][-1]):
        force = np.broadcast_to(u, (steps, 1))
        end = integrate(pushed, x0, integrator=scheme, dt=DURATION / steps, steps=steps, u=force)[-1]
        errors.append(np.linalg.norm(end - exact))
    ratio = STEPS[scheme.order][-1] / STEPS[scheme.order][0]
    # Two runs give the slope; a force left out of one stage leaves order 0 or 1.
    assert np.log(errors[0] / errors[1]) / np.log(ratio) == pytest.approx(scheme.order, abs=0.2)


@pytest.mark.parametrize("name", ["Leapfrog", "Yoshida4", "Yoshida6", "Yoshida8"])
def test_the_weights_of_a_composition_are_right_to_the_last_published_digit(name):
    weights = np.array(INTEGRATORS[name].weights)
    np.testing.assert_array_equal(weights, weights[::-1])
    # Necessary conditions for order 2k of symmetric compositions (Hairer, Lubich, Wanner 2006, V.3.2): the weights
    # add up to 1, their odd powers below 2k to 0. Yoshida's tables are good to some 1e-14 in each weight.
    assert weights.sum() == pytest.approx(1, abs=1e-14)
    for power in range(3, INTEGRATORS[name].order, 2):
        tolerance = 1e-14 * power * (np.abs(weights) ** (power - 1)).sum()
        assert (weights**power).sum() == pytest.approx(0, abs=tolerance)
