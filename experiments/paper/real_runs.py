"""The runs of the real pendulum: train, score, one entry of the results."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from experiments.paper.faithful import derivative_mse, faithful_architecture, train_faithful
from experiments.paper.real_pendulum import PROTOCOL, RealSettings, Recording, fit_real, real_score
from experiments.paper.runs import Trained
from hnn_gym.models import Architecture

REAL_MODELS = ("baseline", "hnn", "best")


@dataclass(frozen=True)
class RealRunSettings:
    """How runs are sized."""

    steps: int | None = None
    """Gradient steps of the paper's models; None: the protocol's."""
    ours: RealSettings = field(default_factory=RealSettings)
    """Our model."""


def run_real(model: str, seed: int, recording: Recording, settings: RealRunSettings) -> tuple[dict[str, Any], Trained]:
    """Train and score one model of the real pendulum. The seed draws initial weights only: there is one recording."""
    began, cpu = time.perf_counter(), time.process_time()
    architecture: Architecture
    if model == "best":
        architecture, parameters = fit_real(recording, replace(settings.ours, seed=seed))
    else:
        architecture = faithful_architecture("hnn" if model == "hnn" else "baseline", 1)
        protocol = PROTOCOL if settings.steps is None else replace(PROTOCOL, steps=settings.steps)
        parameters = train_faithful(architecture, recording.x, recording.dx, protocol=protocol, seed=seed)
    trained = Trained(architecture, parameters, time.perf_counter() - began, time.process_time() - cpu)
    entry = {
        "train_loss": derivative_mse(architecture, parameters, recording.x, recording.dx),
        "test_loss": derivative_mse(architecture, parameters, recording.test_x, recording.test_dx),
        "train_seconds": trained.seconds,
        "train_cpu_seconds": trained.cpu_seconds,
        "paper": real_score(trained.dynamics, recording),
    }
    return entry, trained
