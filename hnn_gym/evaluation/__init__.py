"""Measures of the quality of a world: metrics, which are pure numbers, plots and reports."""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.evaluation.forecasts import Forecasts, forecasts_of, frame_forecasts_of
    from hnn_gym.evaluation.judging import EnergyCheck, sensitivity, verdict
    from hnn_gym.evaluation.metrics import Unforced, prediction_error, unforced
    from hnn_gym.evaluation.report import markdown_table, report_folder, save_gif, write_gif, write_results

__all__ = [
    "EnergyCheck",
    "Forecasts",
    "Unforced",
    "forecasts_of",
    "frame_forecasts_of",
    "markdown_table",
    "prediction_error",
    "report_folder",
    "save_gif",
    "sensitivity",
    "unforced",
    "verdict",
    "write_gif",
    "write_results",
]
__getattr__, __dir__ = lazy_exports(__name__)
