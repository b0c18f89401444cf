"""The paper's pixel task on tiny settings: films, networks, losses, scores, and the command."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from experiments.paper.command import Settings, main
from experiments.paper.pixel_best import learn_line
from experiments.paper.pixel_data import RULE, Film, film, train_and_test
from experiments.paper.pixel_floors import TrueWorld, looked_up, of_angles
from experiments.paper.pixel_model import PaperPixelModel, build, initial_arrays
from experiments.paper.pixel_runs import PixelRunSettings
from experiments.paper.pixel_scoring import Reader, coordinates, corrected_score, energy, paper_score
from experiments.paper.pixel_training import PROTOCOL, pixel_loss, train_pixels
from hnn_gym.errors import InputError
from hnn_gym.studies import Results
from hnn_gym.training import PixelSettings

BEST = PixelSettings(horizons=(3,), steps=2, adam_steps=5, warp=2, harmonics=6)
TINY = PixelRunSettings(steps=2, trials=5, frames=6, paper_starts=2, corrected_starts=2, scored_frames=4, best=BEST)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def small():
    return film(trials=5, frames=8, seed=0)


def test_films_show_a_hanging_pendulum_that_swings_freely(small):
    assert small.frames.shape == (5, 8, 28 * 28)
    assert small.frames.max() == np.float32(127 / 255)
    assert np.abs(small.theta[:, 0]).max() < np.pi / 6
    # Pendulum-v1's own map, for angles from hanging: kick, then drift.
    np.testing.assert_allclose(np.diff(small.speed), -15 * np.sin(small.theta[:, :-1]) * 0.05, atol=1e-12)
    np.testing.assert_allclose(np.diff(small.theta), small.speed[:, 1:] * 0.05, atol=1e-12)
    # Gymnasium draws positive angles from upright to the left, so those from hanging to the right.
    columns = small.frames.reshape(5, 8, *RULE.shape[:2]).sum(axis=2)
    centre = (columns * np.arange(28)).sum(-1) / columns.sum(-1) - 13.5
    assert np.corrcoef(centre.ravel(), small.theta.ravel())[0, 1] == pytest.approx(1, abs=0.01)


def test_the_first_fifth_tests(small):
    training, test = train_and_test(small)
    np.testing.assert_array_equal(test.frames, small.frames[:1])
    np.testing.assert_array_equal(training.theta, small.theta[1:])
    assert test.pairs.shape == (1, 7, 2 * 28 * 28)
    np.testing.assert_array_equal(test.pairs[0, 3], small.frames[0, 3:5].ravel())


def test_the_autoencoder_is_the_papers():
    arrays = initial_arrays("hnn", inputs=6, seed=0)
    x = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    w = [arrays[f"encoder.w{i}"] for i in range(4)]
    b = [arrays[f"encoder.b{i}"] for i in range(4)]
    assert [a.shape for a in w] == [(200, 6), (200, 200), (200, 200), (2, 200)]
    h = np.maximum(w[0] @ x.T + b[0][:, None], 0)
    h = h + np.maximum(w[1] @ h + b[1][:, None], 0)
    h = h + np.maximum(w[2] @ h + b[2][:, None], 0)
    # Sums of 200 float32 numbers.
    np.testing.assert_allclose(build("hnn", arrays).encode(x), (w[3] @ h + b[3][:, None]).T, rtol=1e-4, atol=1e-5)
    assert [arrays[f"decoder.w{i}"].shape for i in range(4)] == [(200, 2), (200, 200), (200, 200), (6, 200)]


@pytest.mark.parametrize("kind", ["hnn", "baseline"])
def test_the_loss_is_the_papers(kind, small):
    world = build(kind, {k: a.astype(np.float64) for k, a in initial_arrays(kind, inputs=1568, seed=1).items()})
    x = np.concatenate([small.frames[:, t : t + 2].reshape(5, 1, -1) for t in range(7)], axis=1).astype(np.float64)
    z = world.encode(x)
    first, then = z[:, :-1], z[:, 1:]
    expected = (
        np.mean((x[:, :-1] - world.decode(first)) ** 2)
        + np.mean((first[..., 1] - (then[..., 0] - first[..., 0])) ** 2)
        + 0.1 * np.mean((then - first - world.dynamics.field(first)) ** 2)
    )
    assert pixel_loss(world, small) == pytest.approx(expected, rel=1e-12)


def test_training_lowers_the_loss_and_gives_dark_pixels_no_weight(small):
    arrays = initial_arrays("hnn", inputs=1568, seed=1)
    trained = train_pixels("hnn", small, protocol=replace(PROTOCOL, steps=30), seed=1)
    assert pixel_loss(build("hnn", trained), small) < 0.5 * pixel_loss(build("hnn", arrays), small)
    dark = np.tile(~small.frames.any(axis=(0, 1)), 2)
    assert dark.any()
    assert not trained["encoder.w0"][:, dark].any()
    assert trained["encoder.w0"][:, ~dark].any(axis=0).all()


def test_leaving_dark_pixels_out_is_the_whole_network(small):
    full = initial_arrays("hnn", inputs=1568, seed=1)
    one = train_pixels("hnn", small, protocol=replace(PROTOCOL, steps=1, batch=None), seed=1)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in full.items()}
    optimizer = torch.optim.Adam(tensors.values(), lr=1e-3, weight_decay=PROTOCOL.decay)
    world, x = build("hnn", tensors), torch.tensor(small.pairs)
    z = world.encode(x)
    first, then = z[:, :-1].reshape(-1, 2), z[:, 1:].reshape(-1, 2)
    loss = (
        ((world.decode(first) - x[:, :-1].reshape(-1, 1568)) ** 2).mean()
        + ((first[:, 1] - (then[:, 0] - first[:, 0])) ** 2).mean()
        + 0.1 * ((then - first - world.dynamics.field(first)) ** 2).mean()
    )
    loss.backward()
    optimizer.step()
    lit = np.tile(small.frames.any(axis=(0, 1)), 2)
    for name, tensor in tensors.items():
        found, expected = one[name], tensor.detach().numpy()
        if name == "encoder.w0":
            found, expected = found[:, lit], expected[:, lit]
        # A first step of Adam is the sign of the gradient; where that is but rounding it may be either one.
        assert np.mean(np.abs(found - expected) > 1e-4) < 2e-3, name


class Turns:
    """A latent plane that turns by ``rate`` rad a frame."""

    def __init__(self, rate):
        self.rate = rate

    def field(self, z, u=None):
        return self.rate * np.stack([z[..., 1], -z[..., 0]], axis=-1)


def turning(rate):
    """A world that sees a film of one pixel, a harmonic motion of 0.2 rad a frame, exactly."""
    c, s = np.cos(0.2), np.sin(0.2)
    shows = np.array([[c, 1.0], [-s, 0.0]])  # of z = (theta, its velocity / 0.2): theta a frame ago, and now
    return PaperPixelModel(lambda x: x @ np.linalg.inv(shows), lambda z: z @ shows, Turns(rate))


def harmonic():
    t = np.arange(60.0)
    theta = np.array([[0.3], [0.2]]) * np.cos(0.2 * t + np.array([[0.0], [1.0]]))
    speed = -4 * np.array([[0.3], [0.2]]) * np.sin(0.2 * t + np.array([[0.0], [1.0]]))
    return Film(theta[..., None], theta, speed)


def test_the_true_world_has_no_error_except_from_the_papers_time_stretch():
    shown = harmonic()
    world = turning(0.2)
    reader = Reader.fitted(world, shown)
    found = corrected_score(world, reader, shown)
    # The solver's tolerance, 1e-11 a step.
    assert found["coordinate_mse"] < 1e-18
    assert found["energy_mse"] < 1e-18
    assert found["valid_prediction_time"] == found["steps"] == 59
    assert paper_score(world, reader, shown)["coordinate_mse"] > 1e-5
    assert paper_score(turning(0.2 / 0.98 * 58 / 59), reader, shown)["coordinate_mse"] < 1e-18


def test_a_world_that_gains_energy_has_a_larger_error():
    class Spirals(Turns):
        def field(self, z, u=None):
            return super().field(z) + 0.01 * z

    shown = harmonic()
    world = replace(turning(0.2), dynamics=Spirals(0.2))
    found = corrected_score(world, Reader.fitted(world, shown), shown)
    last = energy(np.array([0.3, 0.0])) * (np.exp(0.02 * 58) - 1)  # of the first film, nearly
    assert 0.1 * last**2 < found["by_start"]["energy"][0] < last**2
    assert found["valid_prediction_time"] < 30


def test_the_truth_has_only_the_error_of_the_time_stretch(small):
    shown = of_angles(small, small.theta)
    reader = Reader.fitted(TrueWorld(), shown)
    found = corrected_score(TrueWorld(), reader, shown)
    # Rounding, of differences of angles over a twentieth of a second.
    assert found["coordinate_mse"] < 1e-24
    assert found["energy_mse"] < 1e-24
    assert paper_score(TrueWorld(), reader, shown, stretched=False)["energy_mse"] < 1e-24
    assert paper_score(TrueWorld(), reader, shown)["energy_mse"] > 1e-10


def test_a_frame_is_looked_up_as_the_mean_angle_of_those_that_look_like_it():
    frames = np.array([[[0.0], [1.0], [1.0], [0.5]]], np.float32)
    known = Film(frames, np.array([[-0.3, 0.1, 0.2, 0.0]]), np.zeros((1, 4)))
    asked = Film(np.array([[[1.0], [0.1]]], np.float32), np.zeros((1, 2)), np.zeros((1, 2)))
    np.testing.assert_allclose(looked_up(asked, known), [[0.15, -0.3]], rtol=1e-12)


@pytest.fixture(scope="module")
def line():
    settings = replace(BEST, horizons=(5, 10), steps=8, adam_steps=20, warp=8, harmonics=24)
    return learn_line(film(trials=8, frames=41, seed=3), settings=settings)


def test_our_model_keeps_the_scale_of_its_first_guess_without_known_forces(line):
    # Of mean square 1; without the straight line taken from the change of the coordinate it shrinks to 0.87 here.
    assert line.encode(film(trials=8, frames=41, seed=3).pairs)[..., 0].std() == pytest.approx(1, abs=0.05)


def test_our_model_finds_the_angle_up_to_scale_and_origin(line):
    shown = film(trials=4, frames=30, seed=4)
    read = Reader.fitted(line, shown)(line.encode(shown.pairs.astype(np.float64)))
    # Within a fiftieth of the swing: 328 frames leave the codec rough.
    assert np.sqrt(np.mean((read - coordinates(shown))[..., 0] ** 2)) < 1e-2
    # Two such errors over 4 x 0.05 s.
    assert np.sqrt(np.mean((read - coordinates(shown))[..., 1] ** 2)) < 7e-2


def test_our_model_encodes_its_decoded_frames_to_the_same_code(line):
    z = np.array([[0.5, 1.0], [-1.0, 0.2], [0.1, -2.0]])
    # Pictures in grey levels tell q to some 1e-3 of its spread, and v to that over 0.05 s.
    again = line.encode(line.decode(z))
    np.testing.assert_allclose(again[:, 0], z[:, 0], atol=4e-3)
    np.testing.assert_allclose(again[:, 1], z[:, 1], atol=0.1)


def test_our_model_dreams_evenly_spaced_times_and_refuses_others(line):
    z = np.array([[0.5, 1.0], [-1.0, 0.2]])
    whole = line.motion(z, np.arange(9.0))
    assert whole.shape == (2, 9, 2)
    np.testing.assert_allclose(whole[:, 0], z, rtol=1e-12)
    # A step of a twentieth: v changes by a twentieth, and q is moved by the new v.
    np.testing.assert_allclose(np.diff(whole[..., 0]), 0.05 * whole[:, 1:, 1], rtol=1e-9, atol=1e-12)
    slower = line.motion(z, 0.98 * np.arange(9.0))
    np.testing.assert_allclose(np.diff(slower[..., 0]), 0.98 * 0.05 * slower[:, 1:, 1], rtol=1e-9, atol=1e-12)
    with pytest.raises(InputError, match="evenly spaced"):
        line.motion(z, np.array([0.0, 1.0, 3.0]))


def test_a_pair_is_read_at_its_newer_frame(small):
    np.testing.assert_array_equal(coordinates(small)[2, 3], [small.theta[2, 4], small.speed[2, 4] / 4])


def test_the_energy_is_three_eighths_of_a_joule():
    theta, speed = 0.4, 1.2
    joules = speed**2 / 6 + 5 * (1 - np.cos(theta))  # of Pendulum-v1, hanging at 0
    assert energy(np.array([theta, speed / 4])) == pytest.approx(0.375 * joules, rel=1e-12)


def test_pixels_run_end_to_end(tmp_path):
    settings = Settings(tasks=("pixels",), seeds=(0,), out=tmp_path / "paper.json", pixels=TINY)
    main(settings)
    entry = Results(settings.out, command="python -m experiments.paper")["runs/pixels/hnn/0"]
    assert entry["recorded_frames"] == 30
    assert np.isfinite(entry["paper"]["energy_mse"])
    text = settings.out.with_suffix(".md").read_text()
    assert "| pixels | hnn | 1.5e-04 | 5.2e-04 |" in text
    assert "pixels: best, paper protocol, energy MSE | 1.5e-05 |" in text
    assert "| pixels | truth started from two frames, paper protocol |" in text
    assert "| no | the truth itself: " in text or "| yes | the truth itself: " in text
    assert "pixels: faithful HNN, paper protocol" in text
