"""The figure of the study: ``python -m experiments.real_robot.figure``.

The shipped world, which was learned from the excitations, beside the swing-up, which it has not seen: every forecast
begins at a state estimated from the 20 rows before it, and has the measured torque alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from experiments.real_robot.makers import POSITIONS
from experiments.real_robot.recordings import DATA, dataset_of, read_recordings
from hnn_gym.command import run
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.evaluation import plots
from hnn_gym.evaluation.measured_motion import log_and_forecasts, measured_motion
from hnn_gym.physics.integrators import Substeps


@dataclass(frozen=True)
class Settings:
    """Draw forecasts of the swing-up of a real robot."""

    data: Path = DATA
    """Folder with the recordings."""
    out: Path = Path("docs/images/real-robot.png")
    """The file."""


def _main(settings: Settings) -> None:
    (table, *_) = read_recordings(settings.data, excitations=False).values()
    shipped = resolve_world("HNNRealDoublePendulum-v0")
    assert isinstance(shipped.integrator, Substeps)
    count = shipped.integrator.count
    world = replace(shipped, coordinates=POSITIONS, integrator=shipped.integrator.inner, dt=shipped.dt / count)
    motion = measured_motion(world, dataset_of([table], every=5))
    plots.save(plots.beside_the_log(*log_and_forecasts(world, motion), labels=motion.labels), settings.out)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.real_robot.figure")
