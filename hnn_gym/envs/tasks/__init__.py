"""Tasks that are made of another task or of a recording, and the choice of one for a world."""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.envs.tasks.branched import BranchedTask
    from hnn_gym.envs.tasks.choice import task_for
    from hnn_gym.envs.tasks.pixel_task import PixelTask
    from hnn_gym.envs.tasks.recorded import RecordedTask, Reward
    from hnn_gym.envs.tasks.rewarded import RewardedTask
    from hnn_gym.envs.tasks.wrapper import TaskWrapper

__all__ = ["BranchedTask", "PixelTask", "RecordedTask", "Reward", "RewardedTask", "TaskWrapper", "task_for"]
__getattr__, __dir__ = lazy_exports(__name__)
