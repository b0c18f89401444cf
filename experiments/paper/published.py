"""Figures for comparison: those that the paper's authors published, and those of their code re-run.

README: https://github.com/greydanus/hamiltonian-nn. Re-run: their 2019 code on a 2-core CPU machine, seed 0, one
thread. Real pendulum of others, with their own protocols: dissipative HNN 1.07e-3 (Sosanya, Greydanus 2020),
discrete-gradient network 4.92e-4 (Matsubara et al. 2020).
"""

from __future__ import annotations

README: dict[str, dict[str, dict[str, float]]] = {
    "spring": {
        "baseline": {"train_loss": 3.71e-2, "test_loss": 3.67e-2, "energy_mse": 1.71e-1},
        "hnn": {"train_loss": 3.69e-2, "test_loss": 3.59e-2, "energy_mse": 3.84e-4},
    },
    "pendulum": {
        "baseline": {"train_loss": 3.26e-2, "test_loss": 3.53e-2, "energy_mse": 4.15e-2},
        "hnn": {"train_loss": 3.28e-2, "test_loss": 3.56e-2, "energy_mse": 2.49e-2},
    },
    "real-pendulum": {
        "baseline": {"train_loss": 2.75e-3, "test_loss": 2.19e-3, "energy_mse": 3.86e-1},
        "hnn": {"train_loss": 9.24e-3, "test_loss": 5.96e-3, "energy_mse": 1.45e-2},
    },
    "two-body": {
        "baseline": {"train_loss": 3.27e-5, "test_loss": 2.96e-5, "energy_mse": 6.33e-2},
        "hnn": {"train_loss": 3.00e-6, "test_loss": 2.82e-6, "energy_mse": 3.88e-5},
    },
    "three-body": {
        "baseline": {"train_loss": 9.56e-2, "test_loss": 3.80e-1, "energy_mse": 1.09e2},
        "hnn": {"train_loss": 8.03e-2, "test_loss": 4.88e-1, "energy_mse": 4.19e-2},
    },
    "pixels": {
        "baseline": {"train_loss": 1.77e-4, "test_loss": 1.73e-4, "energy_mse": 9.27e-3},
        "hnn": {"train_loss": 1.87e-4, "test_loss": 1.85e-4, "energy_mse": 1.53e-4},
    },
}
"""Published: losses and energy MSE under the paper's protocol."""

RERUN: dict[str, dict[str, dict[str, float]]] = {
    "spring": {
        "baseline": {"train_loss": 3.71e-2, "test_loss": 3.66e-2, "energy_mse": 1.70e-1, "cpu_seconds": 21},
        "hnn": {"train_loss": 3.69e-2, "test_loss": 3.60e-2, "energy_mse": 4.26e-4, "cpu_seconds": 35},
    },
    "pendulum": {
        "baseline": {"train_loss": 3.26e-2, "test_loss": 3.53e-2, "energy_mse": 4.17e-2, "cpu_seconds": 28},
        "hnn": {"train_loss": 3.28e-2, "test_loss": 3.56e-2, "energy_mse": 2.49e-2, "cpu_seconds": 50},
    },
    "real-pendulum": {
        "baseline": {"train_loss": 1.94e-3, "test_loss": 1.39e-3, "energy_mse": 3.71e-1, "cpu_seconds": 10},
        "hnn": {"train_loss": 9.29e-3, "test_loss": 5.85e-3, "energy_mse": 8.5e-3, "cpu_seconds": 21},
    },
    "two-body": {
        "baseline": {"train_loss": 3.34e-5, "test_loss": 3.03e-5, "energy_mse": 6.29e-2, "cpu_seconds": 50},
        "hnn": {"train_loss": 6.71e-6, "test_loss": 6.56e-6, "energy_mse": 2.64e-5, "cpu_seconds": 84},
    },
    "three-body": {
        "baseline": {"train_loss": 9.56e-2, "test_loss": 3.80e-1, "energy_mse": 1.09e2, "cpu_seconds": 118},
        "hnn": {"train_loss": 8.22e-2, "test_loss": 4.71e-1, "energy_mse": 7.4e-3, "cpu_seconds": 171},
    },
    "pixels": {
        "baseline": {"train_loss": 1.83e-4, "test_loss": 1.79e-4, "energy_mse": 1.16e-2, "cpu_seconds": 313},
        "hnn": {"train_loss": 2.27e-4, "test_loss": 2.23e-4, "energy_mse": 5.2e-4, "cpu_seconds": 360},
    },
}
"""Their code re-run: the same, and processor seconds of training."""

CORRECTED_HNN = {"spring": 1.3e-4, "pendulum": 9.1e-4}
"""Their HNN under the corrected protocol: true H, T = 20, no stretch, starts of the training distribution."""

BARS = {"spring": 1e-5, "pendulum": 3e-5, "real-pendulum": 1e-3, "two-body": 1e-9, "three-body": 1e-8}
"""Energy MSE that our best model should reach: corrected protocol, in-distribution; real pendulum: paper's."""
DRIFT_BAR, SYMMETRY_BAR = 1e-5, 1e-10
"""Relative energy drift of 100 bodies; relative momentum drift over 10^4 steps."""
COST_BARS = {"spring": 5.0, "pendulum": 5.0, "two-body": 20.0}
"""Processor seconds to an energy MSE below the re-run HNN's."""
DATA_BAR = 1.0
"""Seconds to draw the two-body data."""
PIXEL_BAR = 1.5e-5
"""Energy MSE that our best model should reach on the paper's films, under the paper's protocol."""
PIXEL_TRAINING_BAR, PIXEL_RECORDING_BAR = 180.0, 40.0
"""Processor seconds to train the pixel HNN, and to record its 20,600 frames, which took their code 101 s."""
