"""Learned and true worlds as Gymnasium environments."""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.envs.build import build_simulator
    from hnn_gym.envs.bump_by_force import BumpByForce
    from hnn_gym.envs.counterfactuals import Counterfactual, counterfactual
    from hnn_gym.envs.latent_observation import LatentObservation
    from hnn_gym.envs.options import SimulatorOptions
    from hnn_gym.envs.pixel_observation import PixelObservation
    from hnn_gym.envs.registration import register
    from hnn_gym.envs.sb3_vec import SimulatorVecEnv, make_sb3_vec
    from hnn_gym.envs.shipped import resolve_pixel_world, resolve_world
    from hnn_gym.envs.single import SimulatorEnv
    from hnn_gym.envs.tasks.choice import task_for
    from hnn_gym.envs.vector import SimulatorVectorEnv

__all__ = [
    "BumpByForce",
    "Counterfactual",
    "LatentObservation",
    "PixelObservation",
    "SimulatorEnv",
    "SimulatorOptions",
    "SimulatorVecEnv",
    "SimulatorVectorEnv",
    "build_simulator",
    "counterfactual",
    "make_sb3_vec",
    "register",
    "resolve_pixel_world",
    "resolve_world",
    "task_for",
]
__getattr__, __dir__ = lazy_exports(__name__)
