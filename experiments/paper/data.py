"""The paper's data, all trajectories in one batch: x(t) by Yoshida's order 8, refined until H is conserved.

A fixed step is fast, but wrong where bodies nearly collide. The batch is therefore integrated with some steps
between two points; trajectories that conserve the true H to 1e-11 are kept, the others are integrated again with
twice the steps, and so on; the adaptive reference solver integrates the few that are left. On two bodies, errors
of x against the reference are then below 1e-8 (``tests/experiments/test_paper.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.paper.tasks import PaperTask
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import Yoshida8
from hnn_gym.physics.phase import symplectic_gradient
from hnn_gym.physics.reference import reference_trajectory
from hnn_gym.physics.simulate import integrate

_TOLERANCE = 1e-11
_FIRST, _DOUBLINGS = 2, 5
_FEW = 3


@dataclass(frozen=True)
class PaperData:
    """One draw of a task's data: trajectories ``(k, points, 2n)``, cut into training and test.

    Attributes:
        times: of the points ``(points,)`` in s.
        x: noisy states of training.
        dx: their exact time derivatives.
        test_x: noisy states of the test.
        test_dx: their exact time derivatives.
    """

    times: np.ndarray
    x: np.ndarray
    dx: np.ndarray
    test_x: np.ndarray
    test_dx: np.ndarray

    @property
    def dt(self) -> float:
        """Time between points in s."""
        return float(self.times[1] - self.times[0])


def make_data(task: PaperTask, *, seed: int) -> PaperData:
    """Draw a task's data.

    Args:
        task: the task.
        seed: of the starts and of the noise.
    """
    rng = np.random.default_rng(seed)
    times = np.linspace(0, task.duration, task.points)
    x = trajectories(task, task.starts(rng, task.trajectories), times)
    dx = symplectic_gradient(task.system.gradient(x))
    noisy = x + task.noise * rng.normal(size=x.shape) if task.noise else x
    k = task.training_trajectories
    return PaperData(times=times, x=noisy[:k], dx=dx[:k], test_x=noisy[k:], test_dx=dx[k:])


def trajectories(task: PaperTask, x0: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Integrate the true system from starts ``(k, 2n)`` to equidistant times ``(points,)``: ``(k, points, 2n)``.

    Every trajectory conserves H to 1e-11, relative where abs(H) > 1, or comes from the adaptive reference solver.
    """
    dynamics = PortHamiltonian(task.system)
    result = np.empty((len(x0), len(times), x0.shape[-1]))
    open_ = np.arange(len(x0))
    for doubling in range(_DOUBLINGS + 1):
        path = _fixed(dynamics, x0[open_], times, _FIRST * 2**doubling)
        with np.errstate(over="ignore", invalid="ignore"):
            energy = task.system.energy(path)
            drift = np.abs(energy - energy[:, :1]).max(axis=1)
            done = drift <= _TOLERANCE * np.maximum(1, np.abs(energy[:, 0]))
        result[open_[done]] = path[done]
        open_ = open_[~done]
        if len(open_) <= _FEW:
            break
    for i in open_:
        result[i] = reference_trajectory(dynamics, x0[i], times)
    return result


def _fixed(dynamics: PortHamiltonian, x0: np.ndarray, times: np.ndarray, substeps: int) -> np.ndarray:
    dt, steps = float(times[1] - times[0]) / substeps, (len(times) - 1) * substeps
    # A coarse step through a near-collision may overflow; H is then not conserved, and the step is refined.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        path = integrate(dynamics, x0, integrator=Yoshida8(), dt=dt, steps=steps, record_every=substeps)
    return np.moveaxis(path, 0, 1)
