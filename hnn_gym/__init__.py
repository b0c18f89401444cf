"""hnn_gym: simulators that are learned from recorded experience and obey physics.

Importing the package registers its environments: ``gymnasium.make("HNNPendulum-v0")``. The parts:

- :mod:`hnn_gym.physics.hamiltonians`, :mod:`hnn_gym.physics.integrators`, :mod:`hnn_gym.physics.dynamics`: the physics;
- :mod:`hnn_gym.data`: recording; :mod:`hnn_gym.models`, :mod:`hnn_gym.training`: learning;
- :mod:`hnn_gym.worlds.world_model`: what is learned; :mod:`hnn_gym.envs`: worlds as environments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data import FrameRule, ObservationNoise, RecordTransitions, TransitionDataset, record_steps
from hnn_gym.envs import (
    BumpByForce,
    LatentObservation,
    PixelObservation,
    SimulatorEnv,
    Task,
    counterfactual,
    register,
    register_environments,
)
from hnn_gym.errors import ConvergenceError, ExistingPathError, InputError, MissingPathError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.simulate import integrate
from hnn_gym.training import FitSettings, PixelSettings, train_pixel_world, train_world
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

if TYPE_CHECKING:
    from hnn_gym.envs.sb3_vec import SimulatorVecEnv


def make_sb3_vec(env_id: str, num_envs: int, **kwargs: Any) -> SimulatorVecEnv:
    """Make a batch of worlds for stable-baselines3: see :func:`hnn_gym.envs.sb3_vec.make_sb3_vec`."""
    from hnn_gym.envs import sb3_vec

    return sb3_vec.make_sb3_vec(env_id, num_envs, **kwargs)


__version__ = "0.1.0"

__all__ = [
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
    "PixelObservation",
    "PixelSettings",
    "PixelWorld",
    "PortHamiltonian",
    "RecordTransitions",
    "SimulatorEnv",
    "Task",
    "TransitionDataset",
    "WorldModel",
    "counterfactual",
    "integrate",
    "make_sb3_vec",
    "record_steps",
    "register",
    "train_pixel_world",
    "train_world",
]

register_environments()
