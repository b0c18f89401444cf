"""True physics, one system a file."""

from hnn_gym.physics.hamiltonians.mechanical import Mechanical
from hnn_gym.physics.hamiltonians.nbody import NBody
from hnn_gym.physics.hamiltonians.pendulum import Pendulum
from hnn_gym.physics.hamiltonians.planar_chain import ChainKinematics, Link, PlanarChain
from hnn_gym.physics.hamiltonians.spring import Spring

__all__ = ["ChainKinematics", "Link", "Mechanical", "NBody", "Pendulum", "PlanarChain", "Spring"]
