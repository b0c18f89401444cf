"""The rigid-body models that the makers of the robot identified, as worlds.

Two links with point joints, and the inertias of the rotors behind their gears:

    M_11 = I_1 + I_2 + m_2 l^2 + 2 m_2 l r_2 cos q_2 + (g^2 + 1) I_r,    M_12 = I_2 + m_2 l r_2 cos q_2 - g I_r,
    M_22 = I_2 + g^2 I_r,    V = -(m_1 r_1 + m_2 l) G cos q_1 - m_2 r_2 G cos(q_1 + q_2).

Their friction is b v + c atan(100 v), which is nearly Coulomb friction of the size c pi / 2. Source of equations and
parameters: github.com/dfki-ric-underactuated-lab/double_pendulum, design C.1 (BSD-3-Clause).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import InVelocities, Leapfrog
from hnn_gym.physics.phase import Array, join, split
from hnn_gym.worlds.world_model import WorldModel

_G, _GEAR, _ROTOR, _LENGTH = 9.81, 6.0, 6.287203962819607e-05, 0.2
POSITIONS = Coordinates(
    (DegreeOfFreedom(position=0, angle=True), DegreeOfFreedom(position=1, angle=True)),
    (Control(0, unit="N m", limit=6.0), Control(1, unit="N m", limit=6.0)),
)


@dataclass(frozen=True)
class TwoLinks:
    """H of two links in a plane, on NumPy.

    Attributes:
        inertias: M_11 and M_22 where cos q_2 = 0, and M_12 there ``(3,)``.
        coupling: factor of cos q_2 in M_12, and half of it in M_11.
        gravity: torques of both terms of V ``(2,)``.
    """

    inertias: tuple[float, float, float]
    coupling: float
    gravity: tuple[float, float]

    @property
    def n(self) -> int:
        """Two degrees of freedom."""
        return 2

    def mass(self, q: Array) -> np.ndarray:
        """M at positions ``(..., 2)``; shape ``(..., 2, 2)``."""
        cosine = self.coupling * np.cos(q[..., 1])
        M11, M22, M12 = (value + factor * cosine for value, factor in zip(self.inertias, (2, 0, 1), strict=True))
        return np.stack([np.stack([M11, M12], -1), np.stack([M12, M22], -1)], -2)

    def energy(self, x: Array) -> Array:
        """H in J at phase points ``(..., 4)``."""
        q, p = split(x)
        first, second = self.gravity
        return (p * self.velocity(q, p)).sum(-1) / 2 - first * np.cos(q[..., 0]) - second * np.cos(q.sum(-1))

    def gradient(self, x: Array) -> Array:
        """Grad H at phase points ``(..., 4)``."""
        q, p = split(x)
        v = self.velocity(q, p)
        return join(self._slope(q) - join(0 * v[..., :1], self._bend(q, v)), v)

    def momentum(self, q: Array, v: Array) -> Array:
        """M v ``(..., 2)``."""
        return (self.mass(q) @ v[..., None])[..., 0]

    def velocity(self, q: Array, p: Array) -> Array:
        """M^-1 p ``(..., 2)``."""
        return np.linalg.solve(self.mass(q), p[..., None])[..., 0]

    def acceleration(self, q: Array, v: Array, force: Array | float) -> Array:
        """Lagrange's equations under a force ``(..., 2)``."""
        sine, (v1, v2) = -self.coupling * np.sin(q[..., 1]), (v[..., 0], v[..., 1])
        change = np.stack([sine * v2 * (2 * v1 + v2), sine * v2 * v1], axis=-1)
        forces = force - self._slope(q) - change + join(0 * v[..., :1], self._bend(q, v))
        return self.velocity(q, forces)

    def _slope(self, q: Array) -> np.ndarray:
        """dV/dq ``(..., 2)``."""
        both = self.gravity[1] * np.sin(q.sum(-1))
        return np.stack([self.gravity[0] * np.sin(q[..., 0]) + both, both], axis=-1)

    def _bend(self, q: Array, v: Array) -> np.ndarray:
        """d/dq_2 (v^T M v / 2) ``(..., 1)``."""
        bend: np.ndarray = -self.coupling * np.sin(q[..., 1:]) * (v[..., :1] + v[..., 1:]) * v[..., :1]
        return bend


def makers_world(version: str) -> WorldModel:
    """The makers' model "1.0" or "2.0" of design C.1, in rad, N m and s."""
    I1, I2, m1, m2, r1, r2, b1, b2, c1, c2 = _PARAMETERS[version]
    rotor = _GEAR**2 * _ROTOR
    links = TwoLinks(
        (I1 + I2 + m2 * _LENGTH**2 + rotor + _ROTOR, I2 + rotor, I2 - _GEAR * _ROTOR),
        m2 * _LENGTH * r2,
        ((m1 * r1 + m2 * _LENGTH) * _G, m2 * r2 * _G),
    )
    dry = np.array([c1, c2]) * math.pi / 2
    dynamics = PortHamiltonian(links, np.eye(2), np.array([b1, b2]), dry)
    return WorldModel(POSITIONS, dynamics, InVelocities(Leapfrog()), 0.002)


_PARAMETERS = {
    "1.0": (0.031887199591513114, 0.05086984812807257, 0.5234602302310271, 0.6255677234174437, 0.2, 0.25569305436052964,
            0.001, 0.001, 0.16, 0.12),
    "2.0": (0.042111626356002546, 0.0510352807011669, 0.7586436245588385, 0.33693688400430855, 0.2, 0.4684378078598044,
            0.003690870343196907, 0.0006450852127932183, 0.17467189894350432, 0.10999997753612206),
}  # fmt: skip
"""I_1, I_2, m_1, m_2, r_1, r_2, b_1, b_2, c_1, c_2 in SI units."""
