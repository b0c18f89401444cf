"""One declaration an environment: what a system is, and everything that is known of it, in one file each."""

from hnn_gym.systems.base import Recording, System, Truth, Twin
from hnn_gym.systems.task import NumberedStarts, Task

__all__ = ["NumberedStarts", "Recording", "System", "Task", "Truth", "Twin"]
