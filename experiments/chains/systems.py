"""Chains of point masses on rigid rods without mass, as systems that are observed by absolute angles.

Masses and lengths are the published ones: 0.6 + 0.8 U of NumPy's old generator with seed 0, first the masses, then the
lengths, the last draw to the link at the pivot.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.systems import System, Truth

LINKS = (1, 2, 3, 5)
GRAVITY, DT = 9.81, 0.03
FINE = 10
"""Substeps of the true chain."""


def masses_and_lengths(links: int) -> tuple[np.ndarray, np.ndarray]:
    """Masses in kg and lengths in m, each ``(links,)``, from the pivot to the tip."""
    drawn = 0.6 + 0.8 * np.random.RandomState(0).rand(2, links)
    return drawn[0, ::-1], drawn[1, ::-1]


def chain(links: int) -> System:
    """The chain of so many links."""
    masses, lengths = masses_and_lengths(links)
    hamiltonian = PlanarChain.of_links(
        [Link(mass, length, length) for mass, length in zip(masses.tolist(), lengths.tolist(), strict=True)],
        gravity=GRAVITY,
        upright=False,
        absolute=True,
    )
    degrees = tuple(DegreeOfFreedom(cos=i, sin=links + i, velocity=2 * links + i) for i in range(links))
    return System(
        f"Chain{links}-v0",
        coordinates=Coordinates(degrees),
        dt=DT,
        truth=Truth(hamiltonian, InVelocities(Substeps(RungeKutta4(), FINE))),
    )
