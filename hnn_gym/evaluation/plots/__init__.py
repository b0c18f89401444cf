"""Figures. The only package that imports matplotlib, and only its object interface: no global state, no window."""

from hnn_gym.evaluation.plots.dark import save_dark_twin
from hnn_gym.evaluation.plots.energy import energy_over_time
from hnn_gym.evaluation.plots.film import Scene, film
from hnn_gym.evaluation.plots.forecasts import forecasts
from hnn_gym.evaluation.plots.futures import Motion, two_futures
from hnn_gym.evaluation.plots.horizon import errors_over_horizon
from hnn_gym.evaluation.plots.measured import balance, beside_the_log, residuals
from hnn_gym.evaluation.plots.mechanism import mechanism
from hnn_gym.evaluation.plots.orbits import orbits
from hnn_gym.evaluation.plots.pendulum import phase_portrait
from hnn_gym.evaluation.plots.phase_plane import Names, four_columns, vector_fields
from hnn_gym.evaluation.plots.style import COLOURS, new_figure, save

__all__ = [
    "COLOURS",
    "Motion",
    "Names",
    "Scene",
    "balance",
    "beside_the_log",
    "energy_over_time",
    "errors_over_horizon",
    "film",
    "forecasts",
    "four_columns",
    "mechanism",
    "new_figure",
    "orbits",
    "phase_portrait",
    "residuals",
    "save",
    "save_dark_twin",
    "two_futures",
    "vector_fields",
]
