"""Whether something can be learned from a recording: whether anything moves, and whether the actions differ.

Where they do not, ``hnn_gym.collect`` warns and training refuses, and so it does where there are too few steps.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.data.dataset import TransitionDataset
from hnn_gym.data.logs.convert import LOG
from hnn_gym.errors import InputError

UNPUSHED = "none: filmed, not pushed"
"""The policy, in its provenance, of a recording in which the controls that a world is to have did not exist."""
_REMEDY = "record with a policy that excites the system, such as --policy bang-bang"
_REMEDY_FOR_A_LOG = "log a motion in which every motor pushes with changing force"


def excitation_faults(dataset: TransitionDataset) -> list[str]:
    """Return a sentence for each of the two that the recording lacks."""
    return [str(error) for error in (_motion_fault(dataset), _action_fault(dataset)) if error is not None]


def require_motion(dataset: TransitionDataset) -> None:
    """Refuse a recording in which nothing moves.

    Raises:
        InputError: no observation entry changes within any episode.
    """
    if (error := _motion_fault(dataset)) is not None:
        raise error


def require_changing_actions(dataset: TransitionDataset) -> None:
    """Refuse a recording from which the effect of an action entry cannot be learned.

    Raises:
        InputError: an action entry has one value throughout, and the provenance does not say that nothing was pushed;
            the message names the entry and the value.
    """
    if (error := _action_fault(dataset)) is not None:
        raise error


def require_enough(dataset: TransitionDataset, coordinates: Coordinates) -> None:
    """Refuse a recording that does not determine even a linear step of its states and forces.

    Raises:
        InputError: there are fewer transitions than 2 n + m + 1, for n degrees of freedom and m forces.
    """
    n, m = coordinates.n, len(coordinates.controls)
    if dataset.num_steps < 2 * n + m + 1:
        raise InputError(
            f"A model of {n} degrees of freedom under {m} forces cannot be learned from {dataset.num_steps} "
            f"transitions of {dataset.provenance.env_id}: even a linear one needs {2 * n + m + 1}, and a useful one "
            "some hundred."
        )


def _motion_fault(dataset: TransitionDataset) -> InputError | None:
    transitions = dataset.transitions()
    if not np.array_equal(transitions.observation, transitions.next_observation):
        return None
    return InputError(
        f"Nothing moves in this recording of {dataset.provenance.env_id}: no observation entry changes within any "
        f"episode. To learn from it, {_remedy(dataset)}."
    )


def _action_fault(dataset: TransitionDataset) -> InputError | None:
    if dataset.provenance.policy == UNPUSHED:
        return None
    action = dataset.transitions().action
    action = action.reshape(len(action), -1)
    constant = np.flatnonzero(np.all(action == action[0], axis=0))
    if not len(constant):
        return None
    if action.shape[1] == 1:
        which, its = f"The action is {action[0, 0]:g}", "its effect"
    elif len(constant) == 1:
        which, its = f"Action entry {constant[0]} is {action[0, constant[0]]:g}", "its effect"
    else:
        which, its = f"Action entries {', '.join(map(str, constant))} have one value", "their effect"
    return InputError(
        f"{which} at every step of this recording of {dataset.provenance.env_id}, so that {its} cannot be learned: "
        f"{_remedy(dataset)}."
    )


def _remedy(dataset: TransitionDataset) -> str:
    return _REMEDY_FOR_A_LOG if dataset.provenance.policy == LOG else _REMEDY
