"""Controls can be switched off: the same world and reward, with fewer entries in an action."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.errors import InputError
from hnn_gym.worlds.fewer_controls import with_controls


@pytest.mark.parametrize(
    ("whole_id", "one_id", "motor"),
    [
        ("HNNRealDoublePendulum-v0", "HNNRealAcrobot-v0", 1),
        ("HNNRealDoublePendulum-v0", "HNNRealPendubot-v0", 0),
        ("TwoBody-v0", None, 1),
        ("HNNReacher-v0", None, 0),
    ],
)
def test_a_world_with_one_control_moves_as_the_whole_one_does_when_the_others_are_0(whole_id, one_id, motor) -> None:
    start = gymnasium.make(whole_id).reset(seed=5)[0][None]
    given: dict[str, Any] = {"starts": start, **({} if one_id else {"controls": (motor,)})}
    whole, one = gymnasium.make(whole_id, starts=start), gymnasium.make(one_id or whole_id, **given)
    batch: Any = gymnasium.make_vec(one_id or whole_id, num_envs=2, **given)
    assert one.action_space.shape == (1,)
    for env in (whole, one, batch):
        env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        action = np.zeros(whole.action_space.shape, np.float32)
        action[motor] = rng.uniform(-1, 1)
        steps = [whole.step(action), one.step(action[[motor]]), batch.step(np.tile(action[motor], (2, 1)))]
        np.testing.assert_allclose(steps[1][0], steps[0][0], rtol=1e-6, atol=1e-6)  # float32
        np.testing.assert_allclose(steps[2][0][0], steps[0][0], rtol=1e-6, atol=1e-6)
        assert steps[1][1] == pytest.approx(steps[0][1], abs=1e-9)


def test_a_world_with_fewer_controls_keeps_its_weights_and_can_be_saved(tmp_path) -> None:
    whole = hnn_gym.envs.resolve_world("HNNRealDoublePendulum-v0")
    one = with_controls(whole, (1,))
    assert all(one.parameters[name] is whole.parameters[name] for name in whole.parameters)
    one.save(tmp_path / "one")
    x, action = one.phase_point(np.array([0.1, 0.2]), np.zeros(2)), np.array([0.3])
    np.testing.assert_allclose(hnn_gym.WorldModel.load(tmp_path / "one").step(x, action), one.step(x, action))


@pytest.mark.parametrize(
    ("env_id", "controls", "words"),
    [
        ("HNNRealDoublePendulum-v0", (2,), "different numbers below 2"),
        ("HNNRealDoublePendulum-v0", (), "different numbers below 2"),
        ("HNNRealDoublePendulum-v0", (0, 0), "different numbers below 2"),
        ("HNNRealDoublePendulum-v0", "elbow", r"a tuple of numbers, such as \(0,\), not 'elbow'"),
        ("HNNRealDoublePendulum-v0", (0.5,), "an entry of controls"),
        ("HNNCartPole-v0", (0,), "where actions are whole numbers"),
        ("BaselineReacher-v0", (0,), "learned the effect of all of them as one function"),
    ],
)
def test_controls_that_are_not_there_or_cannot_be_told_apart_are_refused(env_id, controls, words) -> None:
    with pytest.raises(InputError, match=words):
        gymnasium.make(env_id, controls=controls)
