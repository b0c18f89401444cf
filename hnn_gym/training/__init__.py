"""Learning worlds from recorded transitions: losses, settings, fit."""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.training.auto import train_auto
    from hnn_gym.training.ensemble import train_ensemble
    from hnn_gym.training.fit import FitState, Progress
    from hnn_gym.training.held_out import held_out_error, open_loop_error
    from hnn_gym.training.losses import derivative_loss, prediction_loss, shooting_loss
    from hnn_gym.training.objective import Objective, observation_scale
    from hnn_gym.training.pixel_settings import PixelSettings
    from hnn_gym.training.pixels import train_pixel_world
    from hnn_gym.training.settings import FitSettings
    from hnn_gym.training.worlds import one_step_rms, train_world

__all__ = [
    "FitSettings",
    "FitState",
    "Objective",
    "PixelSettings",
    "Progress",
    "derivative_loss",
    "held_out_error",
    "observation_scale",
    "one_step_rms",
    "open_loop_error",
    "prediction_loss",
    "shooting_loss",
    "train_auto",
    "train_ensemble",
    "train_pixel_world",
    "train_world",
]
__getattr__, __dir__ = lazy_exports(__name__)
