"""The true one-body systems against values worked out by hand, and the constants they refuse."""

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.physics.hamiltonians import Pendulum, Spring


def test_the_default_spring_is_that_of_the_paper():
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(Spring().energy(x), (x**2).sum(-1), rtol=1e-15)  # H = q^2 + p^2


def test_the_default_pendulum_is_that_of_the_paper():
    x = np.random.default_rng(0).normal(size=(5, 2))
    # H = 3 (1 - cos q) + p^2; two roundings.
    np.testing.assert_allclose(Pendulum().energy(x), 3 * (1 - np.cos(x[:, 0])) + x[:, 1] ** 2, rtol=1e-14)


def test_the_rod_of_gymnasium_has_a_third_of_the_inertia_of_a_bob_and_loses_m_g_l_from_upright_to_hanging():
    rod = Pendulum.of_gymnasium(g=9.81, m=2.0, l=0.5)
    assert rod.mass == pytest.approx(2.0 * 0.5**2 / 3, rel=1e-15)
    hanging = rod.energy(np.array([np.pi, 0.0]))
    assert hanging == pytest.approx(-2.0 * 9.81 * 0.5, rel=1e-14)  # its centre falls by l


@pytest.mark.parametrize(
    ("build", "offender"),
    [
        (lambda: Spring(mass=0.0), "mass"),
        (lambda: Spring(stiffness=-1.0), "stiffness"),
        (lambda: Spring(mass=float("nan")), "mass"),
        (lambda: Pendulum(mass=-0.5), "mass"),
        (lambda: Pendulum(mass=float("nan")), "mass"),
        (lambda: Pendulum(gravity_torque=float("nan")), "gravity_torque"),
        (lambda: Pendulum.of_gymnasium(m=0.0), "mass"),
        (lambda: Spring(mass=float("inf")), "mass"),
        (lambda: Spring(stiffness=float("inf")), "stiffness"),
        (lambda: Pendulum(mass=float("inf")), "mass"),
    ],
)
def test_a_constant_that_makes_no_sense_is_refused_by_name(build, offender):
    with pytest.raises(InputError, match=offender):
        build()
