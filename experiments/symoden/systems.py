"""The simulators of Symplectic ODE-Net as systems: a pendulum, a cart-pole and an acrobot without friction.

The pendulum is a rod of 1 kg and 1 m with g = 10, its angle measured from the upright. Cart and pole of the cart-pole
are 0.5 kg each, the pole is 1 m long and a point mass in the middle has the inertia of a rod, g = 9.8. The acrobot is
Gymnasium's, driven at the second joint. Actions are constant forces, and the observations are those of the published
code without the channel of the constant action.
"""

from __future__ import annotations

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.systems import System, Truth

PENDULUM = System(
    "SymodenPendulum-v0",
    coordinates=Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2),), (Control(degree=0, limit=5.0),)),
    dt=0.05,
    truth=Truth(
        PlanarChain.of_links((Link(1.0, 1.0, 0.5, 1 / 12),), gravity=10.0, upright=True),
        InVelocities(Substeps(RungeKutta4(), 5)),
    ),
)
CART_POLE = System(
    "SymodenCartPole-v0",
    coordinates=Coordinates(
        (DegreeOfFreedom(position=0, velocity=3), DegreeOfFreedom(cos=1, sin=2, velocity=4)), (Control(degree=0),)
    ),
    dt=0.02,
    truth=Truth(
        PlanarChain.of_links((Link(0.5, 1.0, 0.5, 0.5 / 12),), gravity=9.8, upright=True, cart=0.5),
        InVelocities(Substeps(RungeKutta4(), 5)),
    ),
)
ACROBOT = System(
    "SymodenAcrobot-v0",
    coordinates=Coordinates(
        (DegreeOfFreedom(cos=0, sin=2, velocity=4), DegreeOfFreedom(cos=1, sin=3, velocity=5)), (Control(degree=1),)
    ),
    dt=0.05,
    truth=Truth(
        PlanarChain.of_links((Link(1.0, 1.0, 0.5, 1.0),) * 2, gravity=9.8, upright=False), InVelocities(RungeKutta4())
    ),
)
