"""hnn_gym: simulators that are learned from recorded experience and obey physics.

Importing the package registers its environments: ``gymnasium.make("HNNPendulum-v0")``. Everything else loads when it is
first used. The parts:

- :mod:`hnn_gym.physics`: phase space, Hamiltonians, integrators, energy bumps; :mod:`hnn_gym.worlds`: what is learned;
- :mod:`hnn_gym.systems`: one declaration an environment; :mod:`hnn_gym.envs`: worlds as environments;
- :mod:`hnn_gym.data`: recording; :mod:`hnn_gym.models`, :mod:`hnn_gym.training`: learning;
- :mod:`hnn_gym.agents`: planners, filters and trainers; :mod:`hnn_gym.evaluation`: how good a world is.
"""

from typing import TYPE_CHECKING

from hnn_gym.files.interrupts import end_in_one_line
from hnn_gym.lazy import lazy_exports, when_imported

if TYPE_CHECKING:
    from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
    from hnn_gym.data import FrameRule, ObservationNoise, RecordTransitions, TransitionDataset, record_steps
    from hnn_gym.envs import (
        BumpByForce,
        LatentObservation,
        PixelObservation,
        SimulatorEnv,
        counterfactual,
        make_sb3_vec,
        register,
    )
    from hnn_gym.errors import ConvergenceError, ExistingPathError, InputError, MissingPathError
    from hnn_gym.models.pixel import Bodies, OnePosition
    from hnn_gym.physics import PortHamiltonian, integrate
    from hnn_gym.systems import System, Task, Truth, register_system
    from hnn_gym.training import FitSettings, PixelSettings, train_auto, train_pixel_world, train_world
    from hnn_gym.worlds import PixelWorld, WorldModel

end_in_one_line()

__version__ = "0.2.0"

__all__ = [
    "Bodies",
    "BumpByForce",
    "Control",
    "ConvergenceError",
    "Coordinates",
    "DegreeOfFreedom",
    "ExistingPathError",
    "FitSettings",
    "FrameRule",
    "InputError",
    "LatentObservation",
    "MissingPathError",
    "ObservationNoise",
    "OnePosition",
    "PixelObservation",
    "PixelSettings",
    "PixelWorld",
    "PortHamiltonian",
    "RecordTransitions",
    "SimulatorEnv",
    "System",
    "Task",
    "TransitionDataset",
    "Truth",
    "WorldModel",
    "counterfactual",
    "integrate",
    "make_sb3_vec",
    "record_steps",
    "register",
    "register_system",
    "train_auto",
    "train_pixel_world",
    "train_world",
]
__getattr__, __dir__ = lazy_exports(__name__)


def _register() -> None:
    from hnn_gym.systems.shipped import register_shipped_systems

    register_shipped_systems()


when_imported("gymnasium", _register)  # the physics needs no Gymnasium
