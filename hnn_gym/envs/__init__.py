"""Learned and true worlds as Gymnasium environments."""

from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.bump_by_force import BumpByForce
from hnn_gym.envs.counterfactual import Counterfactual, counterfactual
from hnn_gym.envs.latent_observation import LatentObservation
from hnn_gym.envs.pixel_observation import PixelObservation
from hnn_gym.envs.registration import register, register_environments
from hnn_gym.envs.single import SimulatorEnv
from hnn_gym.envs.tasks import PendulumSwingUp, RecordedTask, Task, task_for
from hnn_gym.envs.vector import SimulatorVectorEnv

__all__ = [
    "BumpByForce",
    "Counterfactual",
    "LatentObservation",
    "PendulumSwingUp",
    "PixelObservation",
    "RecordedTask",
    "SimulatorEnv",
    "SimulatorVectorEnv",
    "Task",
    "build_simulator",
    "counterfactual",
    "register",
    "register_environments",
    "task_for",
]
