"""Requirements of stable-baselines3 beyond the numbers: videos, options, lengths, replay buffers, attributes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecMonitor, VecVideoRecorder

import hnn_gym
from hnn_gym.errors import InputError

IDLE = np.zeros((3, 1), np.float32)


class _Clip:
    """Replaces moviepy's clip, which encodes: it records what would be written."""

    written: ClassVar[dict[str, tuple[int, tuple[int, ...], float]]] = {}

    def __init__(self, frames: list[np.ndarray], fps: float) -> None:
        self.clip = len(frames), frames[0].shape, fps

    def write_videofile(self, path: str, **_: Any) -> None:
        self.written[path] = self.clip


def test_videos_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("moviepy", "moviepy.video", "moviepy.video.io", "moviepy.video.io.ImageSequenceClip")
    modules = {name: ModuleType(name) for name in names}
    modules[names[-1]].ImageSequenceClip = _Clip  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 3, draws=True)
    recorder = VecVideoRecorder(envs, str(tmp_path), record_video_trigger=lambda step: step == 0, video_length=3)
    recorder.reset()
    for _ in range(5):
        recorder.step(IDLE)
    recorder.close()
    ((path, clip),) = _Clip.written.items()
    assert Path(path).name == "rl-video-step-0-to-step-3.mp4"
    assert clip == (4, (1000, 1000, 3), 30)


@pytest.mark.filterwarnings("ignore:The environment is already wrapped with a `Monitor`")
def test_episodes_are_reported_as_by_the_monitor_of_stable_baselines() -> None:
    envs = VecMonitor(hnn_gym.make_sb3_vec("HNNPendulum-v0", 3, seed=0, max_episode_steps=5, staggered=True))
    envs.reset()
    ended = 0
    for _ in range(12):
        _, _, dones, infos = envs.step(IDLE)
        for i in np.flatnonzero(dones):
            monitor = infos[i]["episode"]  # VecMonitor writes its own over ours, which it took as a copy
            assert 1 <= monitor["l"] <= 5
            ended += 1
    assert ended >= 6


def test_first_episodes_that_are_staggered_have_their_true_length() -> None:
    envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 3, seed=0, max_episode_steps=50, staggered=True)
    envs.reset()
    lengths = {}
    for k in range(1, 51):
        _, _, dones, infos = envs.step(IDLE)
        lengths |= {int(i): (k, infos[i]["episode"]["l"]) for i in np.flatnonzero(dones) if int(i) not in lengths}
    assert len(lengths) == 3
    assert all(k == clip for k, clip in lengths.values())


def test_entries_that_a_wrapper_adds_to_the_info_of_an_ended_copy_are_gone_in_the_next_step() -> None:
    envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 3, max_episode_steps=1)
    envs.reset()
    infos = envs.step(IDLE)[3]
    infos[0]["mark"] = True
    assert "mark" not in envs.step(IDLE)[3][0]


def test_rewards_observations_and_infos_of_a_step_are_not_those_of_the_next() -> None:
    envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 3, seed=0)
    envs.reset()
    observation, rewards, dones, infos = envs.step(IDLE)
    kept = observation.copy(), rewards.copy()
    rewards += 1.0  # as PPO does to bootstrap
    again = envs.step(IDLE)
    np.testing.assert_array_equal(observation, kept[0])
    np.testing.assert_array_equal(rewards, kept[1] + 1)
    assert again[3] is not infos
    assert not np.shares_memory(again[2], dones)


def test_options_reach_the_starts_and_must_be_the_same_for_all_copies() -> None:
    envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 3, seed=0)
    envs.set_options({"x_init": 0.0, "y_init": 0.0})
    np.testing.assert_array_equal(envs.reset(), [[1.0, 0.0, 0.0]] * 3)
    envs.set_options([{"x_init": 0.0}, {}, {}])
    with pytest.raises(InputError, match="the same options"):
        envs.reset()
    envs.set_options({"z_init": 0.0})
    with pytest.raises(InputError, match="does not know the options"):
        envs.reset()


def test_seeding_again_gives_the_same_episodes_again() -> None:
    envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 3)
    assert envs.seed(5) == [5, 6, 7]
    first = envs.reset()
    assert not np.array_equal(envs.reset(), first)
    envs.seed(5)
    np.testing.assert_array_equal(envs.reset(), first)
