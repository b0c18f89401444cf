"""The drag of a fluid on the links of a chain: the force of every link's own motion, which takes energy."""

from __future__ import annotations

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import ChainKinematics, PlanarChain
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.physics.link_drag import LinkDrag, reach
from hnn_gym.physics.phase import join, split

FISH = ChainKinematics((False, False, True, True))
"""x and y of the head, the angle of the first link, that of the second relative to it."""
LENGTHS, CENTRES = np.array([-0.8]), np.array([-0.3, -0.5])
DRAG = LinkDrag(
    FISH,
    reach(FISH, LENGTHS, CENTRES),
    linear=np.array([[0.3, 0.1], [0.9, 0.4], [0.2, 0.6]]),
    quadratic=np.array([[2.0, 1.0], [8.0, 7.0], [0.5, 0.7]]),
)
MASSES, INERTIAS = np.array([2.0, 1.5]), np.array([0.2, 0.1])


def places(q: np.ndarray) -> np.ndarray:
    """The centres of both links ``(2, 2)`` in the plane."""
    first, second = q[2], q[2] + q[3]
    one, other = ((np.cos(angle), np.sin(angle)) for angle in (first, second))
    joint = q[:2] + LENGTHS[0] * np.array(one)
    return np.array([q[:2] + CENTRES[0] * np.array(one), joint + CENTRES[1] * np.array(other)])


def places_by(q: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """Derivatives of these places by q ``(2, 2, 4)``."""
    return np.stack([(places(q + h * unit) - places(q - h * unit)) / (2 * h) for unit in np.eye(4)], axis=-1)


def test_every_link_feels_its_own_motion_along_and_across_its_axis() -> None:
    rng = np.random.default_rng(0)
    for q, v in rng.normal(size=(20, 2, 4)):
        expected = np.zeros(4)
        for link, (by, angle, turning) in enumerate(
            zip(places_by(q), (q[2], q[2] + q[3]), ([0, 0, 1, 0], [0, 0, 1, 1]), strict=True)
        ):
            axis = np.array([np.cos(angle), np.sin(angle)])
            for kind, way in enumerate((axis, np.array([-axis[1], axis[0]]))):
                speed = way @ by @ v
                size = DRAG.linear[kind, link] + DRAG.quadratic[kind, link] * abs(speed)
                expected -= size * speed * (way @ by)
            rate = np.array(turning) @ v
            expected -= (DRAG.linear[2, link] + DRAG.quadratic[2, link] * abs(rate)) * rate * np.array(turning)
        np.testing.assert_allclose(DRAG(q, v, None), expected, rtol=1e-6, atol=1e-8)  # from central differences


def test_drag_takes_energy_whatever_moves() -> None:
    q, v = np.random.default_rng(1).normal(size=(2, 500, 4))
    assert np.max((v * DRAG(q, v, None)).sum(-1)) < 0


def fish() -> PlanarChain:
    """The chain of these links, whose two shifts share a row of h."""
    total = MASSES.sum()
    first, second = MASSES[0] * CENTRES[0] + MASSES[1] * LENGTHS[0], MASSES[1] * CENTRES[1]
    own = INERTIAS + MASSES * CENTRES**2 + [MASSES[1] * LENGTHS[0] ** 2, 0]
    even = np.array(
        [
            [total, 0, first, second],
            [0, total, first, second],
            [first, first, own[0], LENGTHS[0] * second],
            [second, second, LENGTHS[0] * second, own[1]],
        ]
    )
    return PlanarChain(FISH, even, 0 * even, np.zeros(4), np.zeros(4))


def test_a_chain_that_floats_has_the_kinetic_energy_of_its_bodies() -> None:
    rng, chain = np.random.default_rng(2), fish()
    for q, v in rng.normal(size=(20, 2, 4)):
        moved = places_by(q) @ v
        rates = np.array([v[2], v[2] + v[3]])
        kinetic = (MASSES * (moved**2).sum(-1) + INERTIAS * rates**2).sum() / 2
        assert chain.energy(join(q, chain.momentum(q, v))) == pytest.approx(kinetic, rel=1e-8)


def test_a_chain_that_floats_keeps_its_momentum_and_loses_it_to_the_fluid() -> None:
    chain, scheme = fish(), InVelocities(Substeps(RungeKutta4(), 40))
    q, v = np.random.default_rng(3).normal(size=(2, 4))
    x = join(q, chain.momentum(q, v))
    still = scheme.step(PortHamiltonian(chain), x, 0.5)
    np.testing.assert_allclose(split(still)[1][:2], split(x)[1][:2], rtol=1e-6)
    slowed = scheme.step(PortHamiltonian(chain, forces=(DRAG,)), x, 0.5)
    assert chain.energy(slowed) < 0.5 * chain.energy(x)


def test_a_plane_has_two_directions() -> None:
    with pytest.raises(InputError, match="two directions at most, not in 3"):
        ChainKinematics((False, False, False, True))
