"""Learned and true worlds as Gymnasium environments."""

from hnn_gym.envs.registration import register, register_environments
from hnn_gym.envs.single import SimulatorEnv
from hnn_gym.envs.tasks import PendulumSwingUp, RecordedTask, Task, task_for

__all__ = [
    "PendulumSwingUp",
    "RecordedTask",
    "SimulatorEnv",
    "Task",
    "register",
    "register_environments",
    "task_for",
]
