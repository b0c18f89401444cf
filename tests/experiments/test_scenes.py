"""The study of scenes learns, measures and resumes; its measures know a perfect world."""

from dataclasses import replace
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from rich.console import Console

from experiments.scenes import accelerations, cart_pole, driven, identities, measures, setups
from experiments.scenes.command import Settings, driven_table, study, table
from experiments.scenes.one_colour import OneColour
from hnn_gym.data import FrameRule
from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.errors import InputError
from hnn_gym.physics.integrators import Leapfrog
from hnn_gym.worlds.pixel_world import PixelWorld

TINY = {"spring": replace(setups.SETUPS["spring"], steps=120, context=8, horizon=12, horizons=(5,))}


@pytest.mark.filterwarnings("ignore:Frames do not show how long", "ignore:Predicted positions are wrong")
def test_the_study_measures_every_recording_once(tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.scenes.command.SETUPS", TINY)
    folders = {"out": tmp_path / "scenes.json", "runs": tmp_path}
    settings = Settings(**folders, scenes=("spring",), seeds=(0,), size=24, motions=1, steps=4)
    console = Console(quiet=True)
    results = study(settings, console)
    models = ("HNN", "second-order network", "second-order polynomial")
    assert set(results.below("spring/")) == {f"0/{name}" for name in models}
    learned = results["spring/0/HNN"]
    assert learned["position_rms_pixels"] < 0.3
    assert PixelWorld.load(tmp_path / "spring/0/HNN").world.integrator == Leapfrog()
    assert "HNN, recording 0" in table(results, "spring")
    monkeypatch.setattr("experiments.scenes.command.measured", lambda *_: pytest.fail("measured again"))
    assert study(settings, console).below("spring/") == results.below("spring/")
    with pytest.raises(InputError, match="no scene 'moon'"):
        Settings(scenes=("moon",))


def test_scale_and_offset_lead_from_encoded_to_true_positions():
    q = np.random.default_rng(0).normal(size=(50, 3))
    scale, offset = measures.to_truth(q, np.array([2.0, -1.0, 0.5]) * q + [1, 2, 3])
    np.testing.assert_allclose(scale, [2.0, -1.0, 0.5])
    np.testing.assert_allclose(offset, [1, 2, 3])


def test_bodies_that_no_action_pushes_are_compared_in_the_order_of_the_world():
    true = np.random.default_rng(0).normal(size=(2, 7, 6))
    q = true[..., [0, 1, 4, 5, 2, 3]] + 0.01
    np.testing.assert_array_equal(measures._in_order_of(q, true), true[..., [0, 1, 4, 5, 2, 3]])


def test_five_bodies_of_one_colour_are_followed_and_exchanges_are_counted(monkeypatch):
    scene = setups.SETUPS[setups.FIVE_ALIKE].scene
    turn = 0.25 * np.arange(40)[:, None] + np.array([0.0, 1.3, 2.4, 3.8, 5.0])
    reach = np.array([1.0, 2.0, 3.0, 3.5, 4.0])
    state = np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=-1).reshape(40, 10)
    env = gymnasium.Env()
    drawn = OneColour(env, half_height=scene.height / 2)
    film = []
    for q in state:
        env.state = np.concatenate([q, q])
        film.append(FrameRule(48)(drawn.render()))

    class Recording(list):
        def frames(self):
            return [np.array(film)]

    recording = Recording([SimpleNamespace(state=state)])
    found = identities.kept(recording, scene)
    assert found["frames"] == found["right"] == 40
    assert found["exchanged"] == 0
    assert found["doubtful"] <= 1  # the first step, before which no velocity is known
    assert found["position_rms_pixels"] < 0.1
    tracks = identities.track(recording.frames(), 5, pixels_per_unit=scene.pixels_per_unit(48))
    path = tracks.positions[0]
    path[30:, :4] = path[30:, [2, 3, 0, 1]]
    monkeypatch.setattr(identities, "track", lambda *_, **__: tracks)
    found = identities.kept(recording, scene)
    assert (found["right"], found["exchanged"]) == (30, 2)


def test_a_network_of_all_positions_knows_less_of_three_bodies_than_a_sum_over_pairs(monkeypatch):
    monkeypatch.setattr(accelerations, "WIDTHS", (4,))
    monkeypatch.setattr(accelerations, "DECAYS", (1e-3,))
    monkeypatch.setattr(accelerations, "_STEPS", 20)
    found = accelerations.known("ThreeBody-v0", 0, steps=300)
    assert found["pairs"] < 0.05 < found["network"]["4 units, decay 0.001"][1]


def test_angular_momentum_and_energy_of_a_circle_do_not_change():
    t = 0.1 * np.arange(200)
    turn = np.sqrt(2) / 2**1.5 * t  # two unit masses 2 m apart
    place = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    speed = np.sqrt(2) / 2**1.5 * np.stack([-np.sin(turn), np.cos(turn)], axis=-1)
    q, v = np.concatenate([place, -place], -1)[None], np.concatenate([speed, -speed], -1)[None]
    found = measures._conserved(setups.SETUPS["two bodies"], q, v, 0.1)
    assert max(found.values()) < 1e-12


def test_the_shipped_cart_pole_is_measured_on_a_film_and_balances_the_real_one():
    short = replace(cart_pole.CART_POLE, context=12, horizon=8)
    seen = resolve_pixel_world("HNNPixelCartPole-v0")
    found = driven.measure(seen, short, driven.filmed(short, size=64, motions=1))
    assert found["position_rms_pixels"] < 0.1
    assert found["steps_within_one_pixel"]["worst"] == found["true_map_steps_within_one_pixel"]["worst"] == 9
    agent = cart_pole.balanced(seen, episodes=1, steps=60)  # pushes to either side end an episode after some 20
    assert agent["returns"] == [60]
    results = {"cart-pole/0/HNN": found | {"cpu_seconds": 1.0}, "agent/0/HNN": agent}

    class Stored(dict):
        def below(self, prefix):
            return {key.removeprefix(prefix): value for key, value in self.items() if key.startswith(prefix)}

    assert "0 of 1" in driven_table(Stored(results), "cart-pole")  # 60 steps are no 500
