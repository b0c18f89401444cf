"""From a recording that declares nothing to a world: collect writes the map, training infers it, a file overrules."""

import json
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from hnn_gym.collect import CollectSettings
from hnn_gym.collect import main as collect
from hnn_gym.coordinates import Coordinates, DegreeOfFreedom, read_coordinates, write_coordinates
from hnn_gym.coordinates.inference import AmbiguousMapError
from hnn_gym.data import TransitionDataset
from hnn_gym.data.inferred_map import coordinates_path
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.train import TrainSettings, train
from hnn_gym.training import FitSettings, train_ensemble, train_world
from hnn_gym.worlds.world_model import WorldModel

SHORT = FitSettings(adam_steps=3, lbfgs_steps=1)
ROD = Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2),))


class Rod(gymnasium.Env):
    """An unknown pendulum: it declares neither its map nor its time step of 0.05."""

    observation_space = Box(-np.inf, np.inf, (3,), np.float32)

    def __init__(self, *, whole=True, twice=False):
        self.action_space = Discrete(3) if whole else Box(-1, 1, (1,), np.float32)
        self.twice = twice
        if twice:
            self.observation_space = Box(-np.inf, np.inf, (4,), np.float32)

    def seen(self):
        noise = self.np_random.normal(size=2) * 1e-3 * self.twice
        shown = [np.cos(self.q), np.sin(self.q), self.v + noise[0], self.v + noise[1]]
        return np.array(shown[: 3 + self.twice], np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.q, self.v, self.steps = self.np_random.uniform(-2, 2), 0.0, 0
        return self.seen(), {}

    def step(self, action):
        u = action - 1 if isinstance(self.action_space, Discrete) else action[0]
        for _ in range(10):
            self.v += 0.005 * (4 * u - 9.81 * np.sin(self.q))
            self.q += 0.005 * self.v
        self.steps += 1
        return self.seen(), 0.0, False, self.steps >= 50, {}


gymnasium.register("tests/NobodysRod-v0", Rod)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rod.zarr"
    collect(CollectSettings(env="tests/NobodysRod-v0", out=path, steps=200))
    return path


def test_collect_prints_the_inferred_map_and_writes_the_file_to_edit(tmp_path, capsys):
    settings = CollectSettings(env="tests/NobodysRod-v0", out=tmp_path / "rod.zarr", steps=200)
    collect(settings)
    printed = capsys.readouterr()
    path = tmp_path / "rod.coordinates.json"
    assert path == coordinates_path(settings.out)
    assert "Entries 0 and 1 are the cosine and the sine of the angle q0; entry 2 is its velocity" in printed.out
    assert "Actions 0, 1, 2 are -1, 0, 1 times a force on q0" in printed.out
    assert "dt = 0.05" in printed.out
    assert f"edit {path}" in printed.out
    assert "--dt" not in printed.err  # velocities determine the time step
    assert read_coordinates(path).degrees == ROD.degrees
    write_coordinates(path, replace(read_coordinates(path), force_table=((-2.0,), (0.0,), (2.0,))), meaning=())
    collect(replace(settings, append=True, steps=60))
    assert "was kept" in capsys.readouterr().out  # what the user edited
    assert read_coordinates(path).force_table[0] == (-2.0,)
    collect(replace(settings, overwrite=True))
    assert read_coordinates(path).force_table[0] == (-1.0,)


def test_collect_also_writes_the_map_of_a_known_environment(tmp_path, capsys):
    collect(CollectSettings(env="CartPole-v1", out=tmp_path / "cart.zarr", steps=40))
    assert "Entry 2 is q1, an angle in rad; entry 3 is its velocity." in capsys.readouterr().out
    assert read_coordinates(tmp_path / "cart.coordinates.json", observation_size=4).n == 2


def test_collect_warns_where_a_map_is_ambiguous_and_writes_its_guess(tmp_path, capsys):
    settings = CollectSettings(
        env="tests/NobodysRod-v0", out=tmp_path / "rod.zarr", steps=200, env_kwargs={"twice": True}
    )
    collect(settings)
    told = capsys.readouterr().err
    assert "can both be the velocity of entry 0 and entry 1" in told
    path = tmp_path / "rod.coordinates.json"
    (degree,) = read_coordinates(path, observation_size=4).degrees
    with pytest.raises(AmbiguousMapError, match="--coordinates"):
        train_world(settings.out, settings=SHORT)
    other = 5 - degree.velocity
    assert f'"velocity": {other} and "entry": {degree.velocity} take the other' in told
    text = path.read_text().replace(f'"velocity": {degree.velocity}', f'"velocity": {other}')
    path.write_text(text.replace(f'"entry": {other}', f'"entry": {degree.velocity}'))
    settled = train(TrainSettings(settings.out, out=tmp_path / "run", model="mechanical", coordinates=path, fit=SHORT))
    assert settled.coordinates.degrees[0].velocity == other


def test_collect_says_why_nothing_can_be_inferred(tmp_path, capsys):
    path = tmp_path / "rod.zarr"
    collect(CollectSettings(env="tests/NobodysRod-v0", out=path, steps=20))
    assert "cannot be inferred: A map is inferred from 30 transitions at least" in capsys.readouterr().err
    assert not coordinates_path(path).exists()


def test_a_world_is_learned_from_a_recording_that_declares_nothing(recorded):
    world = train_world(recorded, settings=SHORT)
    assert world.coordinates.degrees == ROD.degrees
    assert world.coordinates.force_table == ((-1.0,), (0.0,), (1.0,))
    assert world.dt == 0.05
    assert any("cosine and the sine" in sentence for sentence in world.card["inferred"])
    assert train_world(recorded, settings=SHORT, dt=0.1).dt == 0.1
    for member in train_ensemble(recorded, members=2, settings=SHORT):
        assert member.coordinates == world.coordinates


def test_the_command_line_prints_the_inferred_map_and_a_file_overrides_it(recorded, tmp_path):
    printed = []
    settings = TrainSettings(recorded, out=tmp_path / "inferred", model="mechanical", fit=SHORT)
    train(settings, tell=printed.append)
    assert any("cosine and the sine" in sentence for sentence in printed)
    assert WorldModel.load(settings.out).card["inferred"] == printed
    known = read_coordinates(coordinates_path(recorded))
    path = tmp_path / "mine.json"
    write_coordinates(path, replace(known, force_table=((-3.0,), (0.0,), (3.0,))), meaning=["edited"])
    world = train(replace(settings, out=tmp_path / "given", coordinates=path))
    assert world.coordinates.force_table == ((-3.0,), (0.0,), (3.0,))
    assert world.dt == 0.05


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[1]", "holds no JSON object"),
        ("{}", "'degrees'"),
        (json.dumps({"degrees": [{"position": 0, "speed": 1}]}), "DegreeOfFreedom has no 'speed'"),
        (json.dumps({"degrees": [{"position": 0, "velocity": 1}], "actions": []}), "no 'actions'"),
        (json.dumps({"degrees": [{"position": 0, "velocity": 1}]}), "declares 2 observation entries, and there are 3"),
    ],
)
def test_a_coordinates_file_that_does_not_fit_gets_one_message(recorded, tmp_path, content, words):
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words) as refused:
        train(TrainSettings(recorded, out=tmp_path / "run", coordinates=path))
    assert str(path) in str(refused.value)


def test_a_coordinates_file_that_is_missing_is_named(recorded, tmp_path):
    with pytest.raises(MissingPathError, match=r"nowhere\.json"):
        train(TrainSettings(recorded, out=tmp_path / "run", coordinates=tmp_path / "nowhere.json"))


def test_coordinates_of_another_size_are_refused_by_training(recorded):
    with pytest.raises(InputError, match="observations of 3 entries"):
        train_world(recorded, settings=SHORT, coordinates=Coordinates((DegreeOfFreedom(position=0, velocity=1),)))
    assert TransitionDataset.open(recorded).provenance.coordinates is None
