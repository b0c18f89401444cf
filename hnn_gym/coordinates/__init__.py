"""What the entries of observations and actions are, declared as data: observations <-> states, actions -> forces."""

from hnn_gym.coordinates.control import Control
from hnn_gym.coordinates.declaration import Coordinates
from hnn_gym.coordinates.degree_of_freedom import DegreeOfFreedom
from hnn_gym.coordinates.describe import describe
from hnn_gym.coordinates.file import read_coordinates, write_coordinates
from hnn_gym.coordinates.learned_readout import LearnedReadout
from hnn_gym.coordinates.readout import Readout

__all__ = [
    "Control",
    "Coordinates",
    "DegreeOfFreedom",
    "LearnedReadout",
    "Readout",
    "describe",
    "read_coordinates",
    "write_coordinates",
]
