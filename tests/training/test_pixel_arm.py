"""An acrobot's masses and the direction of its torque follow from the angles that frames show."""

import gymnasium
import numpy as np

from hnn_gym.data import FrameRule, record_steps
from hnn_gym.models.pixel.arm import _first_codec
from hnn_gym.models.pixel.arm_places import ArmPlaces
from hnn_gym.systems.registry import true_world
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import train_pixel_world

QUICK = PixelSettings(horizons=(6,), steps=8, adam_steps=0, reward_steps=1, reward_hidden=(2,))


def test_the_inertia_of_an_acrobot_is_learned_in_kg_m2_whichever_way_its_angles_are_counted(monkeypatch):
    film = record_steps(
        gymnasium.make("Acrobot-v1", render_mode="rgb_array"),
        steps=50,
        seed=3,
        record_state=True,
        record_frames=FrameRule(8),
    )
    clockwise = -np.concatenate([episode.state for episode in film])[:, :2]  # Gymnasium's angles are anticlockwise

    def seen(frames, *, pixel_width):
        places = ArmPlaces(frames[0], clockwise, np.zeros(2), np.ones(2), 0.5)
        return _first_codec(places, 3, pixel_width), clockwise

    monkeypatch.setattr("hnn_gym.training.pixel_linkage.find_arm", seen)
    world = train_pixel_world(film, settings=QUICK, options={"symmetric": True})
    assert world.codec.pixel_width < 0  # so that a positive torque turns the second link towards larger angles
    true, rng = true_world("Acrobot-v1"), np.random.default_rng(0)
    q, v = rng.uniform(-1, 1, (20, 2)), rng.uniform(-1, 1, (20, 2))
    for speed in (v, np.eye(2)[np.zeros(20, int)]):
        learned, exact = (
            w.energy(w.phase_point(q, speed)) - w.energy(w.phase_point(q, 0 * v)) for w in (world.world, true)
        )
        np.testing.assert_allclose(learned, exact, rtol=1e-3)  # angles are exact here, and so is the scheme
    assert world.world.energy_unit == "J"
