"""One declaration an environment: what a system is, and all that is known of each, in one file.

:data:`SYSTEMS` holds every system that is known; :func:`register_system` adds one, ours and a user's alike.
"""

from typing import TYPE_CHECKING

import gymnasium  # noqa: F401 - loading it registers the systems, which has to happen before any module here loads

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.systems.base import Recording, System, Truth, Twin
    from hnn_gym.systems.bodies import KeepBound
    from hnn_gym.systems.ideal_pendulum import IdealPendulumSwingUp
    from hnn_gym.systems.n_body import NBodyBound
    from hnn_gym.systems.of_world import environment_of, truth_of
    from hnn_gym.systems.pendulum import PendulumSwingUp
    from hnn_gym.systems.picture import Coil, Disc, Line, Picture, Polygon
    from hnn_gym.systems.real_double_pendulum import RealDoublePendulumSwingUp
    from hnn_gym.systems.real_pendulum import RealPendulumSustain
    from hnn_gym.systems.registry import SYSTEMS, coordinates_of, register_system, system_of, true_world
    from hnn_gym.systems.spring import SpringHold, SpringSweep
    from hnn_gym.systems.task import NumberedStarts, Task
    from hnn_gym.systems.three_body import ThreeBodyBound
    from hnn_gym.systems.two_body import OrbitTransfer

__all__ = [
    "SYSTEMS",
    "Coil",
    "Disc",
    "IdealPendulumSwingUp",
    "KeepBound",
    "Line",
    "NBodyBound",
    "NumberedStarts",
    "OrbitTransfer",
    "PendulumSwingUp",
    "Picture",
    "Polygon",
    "RealDoublePendulumSwingUp",
    "RealPendulumSustain",
    "Recording",
    "SpringHold",
    "SpringSweep",
    "System",
    "Task",
    "ThreeBodyBound",
    "Truth",
    "Twin",
    "coordinates_of",
    "environment_of",
    "register_system",
    "system_of",
    "true_world",
    "truth_of",
]
__getattr__, __dir__ = lazy_exports(__name__)
