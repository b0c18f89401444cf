"""A sentence names what a recording lacks, and training refuses a recording from which no model can be learned."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.data.excitation import UNPUSHED, excitation_faults, require_changing_actions, require_motion
from hnn_gym.errors import InputError
from hnn_gym.training import train_auto, train_world


class Resting(gymnasium.Env):
    """Starts somewhere, and stays there."""

    observation_space, action_space = Box(-9, 9, (2,), np.float32), Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-9, 9, 2).astype(np.float32)
        self.left = 4
        return self.place, {}

    def step(self, action):
        self.left -= 1
        return self.place, 0.0, False, self.left == 0, {}


def half_still(observation, rng):
    return np.array([rng.uniform(-1, 1), 0.25], np.float32)


def test_a_recording_in_which_only_the_starts_differ_does_not_move():
    data = record_steps(Resting(), steps=10)
    assert excitation_faults(data) == [
        "Nothing moves in this recording of Resting: no observation entry changes within any episode. To learn from "
        "it, record with a policy that excites the system, such as --policy bang-bang."
    ]
    with pytest.raises(InputError, match="Nothing moves"):
        require_motion(data)
    require_changing_actions(data)


def test_an_action_entry_that_never_changes_is_named_with_its_value(counter):
    data = record_steps(counter(action_space=Box(-1, 1, (2,), np.float32)), steps=10, policy=half_still)
    require_motion(data)
    with pytest.raises(InputError, match=r"Action entry 1 is 0.25 at every step of this recording of Counter"):
        require_changing_actions(data)
    require_changing_actions(data, known_forces=True)  # what the second force does is known, and the first one changes
    (sentence,) = excitation_faults(record_steps(counter(), steps=10, policy="zero"))
    assert sentence.startswith("The action is 0 at every step")


def test_a_recording_in_which_nothing_could_be_pushed_may_have_one_action_throughout(counter):
    data = record_steps(counter(), steps=10, policy="zero")
    filmed = TransitionDataset.from_episodes(list(data), replace(data.provenance, policy=UNPUSHED))
    require_changing_actions(filmed)
    assert excitation_faults(filmed) == []


def test_a_recording_that_moves_under_changing_actions_lacks_nothing(counter):
    assert excitation_faults(record_steps(counter(), steps=10)) == []


@pytest.mark.parametrize(
    ("data", "controls", "message"),
    [
        (record_steps(Resting(), steps=20), (Control(0), Control(0)), "Nothing moves in this recording"),
        (
            record_steps(gymnasium.make("Pendulum-v1"), steps=20, policy="zero"),
            (Control(0),),
            "The action is 0 at every",
        ),
    ],
)
def test_training_refuses_what_it_cannot_learn_from(data, controls, message):
    degree = (
        DegreeOfFreedom(position=0, velocity=1) if len(controls) == 2 else DegreeOfFreedom(cos=0, sin=1, velocity=2)
    )
    with pytest.raises(InputError, match=message):
        train_world(data, "mechanical", coordinates=Coordinates((degree,), controls), dt=0.1)


@pytest.mark.parametrize("model", ["mechanical", "auto"])
def test_free_motion_under_a_known_force_is_refused_since_it_does_not_tell_inertias(model):
    data = record_steps(gymnasium.make("Pendulum-v1"), steps=20, policy="zero")
    assert Coordinates.from_json(data.provenance.coordinates).in_physical_units
    with pytest.raises(InputError, match="The action is 0 at every step"):
        train_auto(data) if model == "auto" else train_world(data, model)


def test_coordinates_that_declare_another_number_of_actions_are_refused():
    data = record_steps(gymnasium.make("Pendulum-v1"), steps=40, seed=0)
    wrong = Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2),), (Control(0), Control(0)))
    for learn in (train_world, train_auto):
        with pytest.raises(InputError, match="actions of 1 entries, and the coordinates declare 2: correct"):
            learn(data, coordinates=wrong)


def test_too_few_transitions_for_a_model_are_refused_with_the_number_that_is_needed():
    recording = record_steps(gymnasium.make("Pendulum-v1"), steps=15, seed=0)
    for model in ("hnn", "mechanical", "baseline"):
        with pytest.raises(InputError, match=r"15 transitions.*1 degree of freedom under 1 force needs at least 20"):
            train_world(recording, model=model)
    bodies = record_steps(gymnasium.make("NBody-v0", masses=(1.0,) * 4), steps=35, seed=0)
    with pytest.raises(InputError, match=r"needs at least 36 \(2 for each of the 18 numbers"):
        train_world(bodies, model="hnn")
    with pytest.raises(InputError, match="needs at least 6; a useful"):  # its formula is known
        train_world(record_steps(gymnasium.make("Acrobot-v1"), steps=5, seed=0), model="chain")
