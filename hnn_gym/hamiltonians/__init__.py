"""True physics, one system a file."""

from hnn_gym.hamiltonians.mechanical import Mechanical
from hnn_gym.hamiltonians.nbody import NBody
from hnn_gym.hamiltonians.pendulum import Pendulum
from hnn_gym.hamiltonians.spring import Spring

__all__ = ["Mechanical", "NBody", "Pendulum", "Spring"]
