"""What the entries of observations and actions are, declared as data: observations <-> states, actions -> forces."""

from hnn_gym.coordinates.control import Control
from hnn_gym.coordinates.declaration import Coordinates
from hnn_gym.coordinates.degree_of_freedom import DegreeOfFreedom
from hnn_gym.coordinates.readout import Readout

__all__ = ["Control", "Coordinates", "DegreeOfFreedom", "Readout"]
