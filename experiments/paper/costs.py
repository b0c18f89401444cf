"""CPU seconds to a goal: how long our models take to score better than the paper's HNN re-run."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from experiments.paper.bodies import body_architecture, fit_bodies
from experiments.paper.data import make_data
from experiments.paper.published import CORRECTED_HNN, RERUN
from experiments.paper.runs import RunSettings, smooth_settings, truths
from experiments.paper.scoring import corrected_score
from experiments.paper.smooth import fit_smooth, smooth_architecture
from experiments.paper.tasks import SIMULATED
from hnn_gym.models import Architecture


def measure_cost(name: str, model: str, settings: RunSettings, *, seed: int) -> dict[str, Any]:
    """Fit, noting parameters and processor time after every accepted step; score them afterwards.

    Args:
        name: of the task.
        model: "best" or "best+mirror".
        settings: sizes.
        seed: of data and weights.

    Returns:
        Seconds to the first parameters whose in-distribution energy MSE is below the goal and stays there, the goal,
        and seconds of the whole fit. The first fit of a process is not measured, because torch compiles then.
    """
    task = SIMULATED[name]
    goal = CORRECTED_HNN.get(name, RERUN[name]["hnn"]["energy_mse"])
    began = time.process_time()
    data = make_data(task, seed=seed)
    drawn = time.process_time() - began
    noted: list[tuple[float, dict[str, np.ndarray]]] = []
    architecture: Architecture

    def note(step: int, value: float, arrays: dict[str, np.ndarray]) -> None:
        noted.append((time.process_time() - began, arrays))

    began = time.process_time()
    if task.noise:
        smooth = smooth_settings(task, model, seed, settings)
        architecture = smooth_architecture(data, angle=task.name == "pendulum", hidden=smooth.hidden)
        fit_smooth(architecture, data, smooth, report=note)
    else:
        x, dx = (values.reshape(-1, values.shape[-1]) for values in (data.x, data.dx))
        architecture = body_architecture(x, dx, hidden=settings.bodies.hidden)
        fit_bodies(architecture, x, dx, settings.bodies, report=note)
    total = time.process_time() - began
    (x0, true), _ = truths(name, settings.corrected_starts)
    reached = None
    for seconds, arrays in reversed(noted):
        dynamics = architecture.build({key: value for key, value in arrays.items() if key != "starts"})
        if np.mean(corrected_score(task, dynamics, x0, true).energy) >= goal:
            break
        reached = seconds
    return {"goal": goal, "cpu_seconds_to_goal": reached, "cpu_seconds": total, "data_cpu_seconds": drawn}
