"""The study of an arm that is known from its encoders: its motion, and what its log shows of it."""

from __future__ import annotations

import numpy as np

from experiments.encoders import COULOMB, VISCOUS, arm, log_of, moved


def test_the_log_of_the_arm_shows_rounded_angles_at_jittering_stamps_with_rows_missing() -> None:
    motion = moved(0, rows=60)
    log = log_of(motion, 0)
    assert log.num_episodes == 4
    steps = np.concatenate([np.diff(episode.time) for episode in log])
    assert 4 * 60 * 0.9 < len(steps) < 4 * 60
    assert np.all((np.abs(steps / 0.01 - 1) < 0.05 + 1e-9) | (steps > 0.018))
    first = log.episode(0)
    assert 1e-5 < np.abs(first.observation[0] - motion.q[0, 0]).max() < np.pi / 8192 + 1e-12
    impulse = (first.action * np.diff(first.time)[:, None]).sum(axis=0)
    np.testing.assert_allclose(impulse, (motion.torque[:, 0] * motion.durations[:, [0]]).sum(axis=0))


def test_friction_takes_the_energy_that_the_motors_do_not_give() -> None:
    world = arm()
    x = world.phase_point(np.array([0.6, -0.4]), np.array([1.0, -2.0]))
    path = world.rollout(x, steps=40)
    _, v = world.state(path)
    heat = 0.01 * ((VISCOUS * v**2 + COULOMB * np.abs(v)).sum(-1)[:-1]).sum()
    lost = world.energy(path[0]) - world.energy(path[-1])
    np.testing.assert_allclose(lost, heat, rtol=0.1)  # the sum over rows is a coarse integral
