"""Studies: many independent cells, computed on one core, on many or on a cluster, and kept one by one."""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.studies.execution import Executing, Execution
    from hnn_gym.studies.on_ray import RayExecutor
    from hnn_gym.studies.processes import Processes
    from hnn_gym.studies.results import Results
    from hnn_gym.studies.study import Cell, run_cells

__all__ = ["Cell", "Executing", "Execution", "Processes", "RayExecutor", "Results", "run_cells"]
__getattr__, __dir__ = lazy_exports(__name__)
