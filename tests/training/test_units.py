"""A model does not depend on the unit of lengths: a log in millimetres is learned as the same log in metres."""

from __future__ import annotations

import numpy as np
import pytest

from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.training import FitSettings, train_world
from hnn_gym.worlds.world_model import WorldModel

FIT = FitSettings(loss="shooting", horizon=20, adam_steps=5, lbfgs_steps=0, least_squares_steps=3, decay=1e-5)


def spring(unit: float, *, pushed: bool) -> TransitionDataset:
    """Positions of 2 kg on a hardening spring, whose numbers are ``unit`` times those in m, with noise of 2 mm."""
    rng = np.random.default_rng(1)
    force = np.repeat(rng.uniform(-8, 8, 6), 10) * pushed
    x, v, shown = 0.3, 0.5, []
    for k in range(61):
        shown.append(x)
        for _ in range(30):
            v += 0.001 * (-20 * x - 60 * x**3 - 0.3 * v + force[min(k, 59)]) / 2
            x += 0.001 * v
    position = unit * (np.array(shown) + 2e-3 * rng.normal(size=61))
    action = np.append(force, force[-1])[:, None] if pushed else None
    settings = LogSettings(lengths=("q0",))
    return TransitionDataset.from_arrays(0.03 * np.arange(61), position[:, None], action=action, settings=settings)


@pytest.mark.parametrize("pushed", [False, True])
def test_a_log_in_millimetres_is_learned_as_the_same_log_in_metres(pushed: bool) -> None:
    metres, millimetres = (
        train_world(spring(unit, pushed=pushed), "mechanical", settings=FIT, options={"hidden": (6,), "damping": True})
        for unit in (1.0, 1000.0)
    )
    noise = [world.card["figures"]["sensor_noise"][0] for world in (metres, millimetres)]
    assert noise[1] == pytest.approx(1000 * noise[0], rel=1e-6)
    start = np.array([[0.2, 0.4]])
    far = [moved(world, start * unit, pushed) / unit for world, unit in ((metres, 1.0), (millimetres, 1000.0))]
    np.testing.assert_allclose(far[1], far[0], rtol=1e-5)  # rounding, after as many steps as a fit takes


def moved(world: WorldModel, start: np.ndarray, pushed: bool) -> np.ndarray:
    """Positions and velocities ``(30, 1, 2)`` from a start on, under 3 N where a force acts."""
    x = world.phase_point(*np.split(start, 2, axis=-1))
    action = np.full((30, 1, 1), 3.0) if pushed else None
    return np.concatenate(world.state(world.rollout(x, action, steps=30)), axis=-1)
