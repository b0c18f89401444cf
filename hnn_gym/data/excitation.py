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
_FEWEST, _FOR_EACH = 20, 2
"""Transitions that a model with a network needs: in all, and for each number that a step begins with."""
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


def require_changing_actions(dataset: TransitionDataset, *, known_forces: bool = False) -> None:
    """Refuse a recording from which the effect of an action entry cannot be learned.

    Args:
        dataset: the recording.
        known_forces: actions are forces in SI units. Then one that changes is enough: what the others do is known.

    Raises:
        InputError: an action entry has one value throughout, and the provenance does not say that nothing was pushed;
            the message names the entry and the value.
    """
    error = _action_fault(dataset)
    if error is None:
        return
    action = dataset.transitions().action
    if not known_forces or (action == action[0]).all():
        raise error


def require_enough(dataset: TransitionDataset, coordinates: Coordinates, *, known_form: bool = False) -> None:
    """Refuse a recording that is too short for a model, before any time is spent on a fit.

    A step begins with 2 n + m numbers, for n degrees of freedom and m forces. A model with a network needs two
    transitions for each of them, and 20 at least; one whose formula is known, one more than there are numbers.

    Args:
        dataset: the recording.
        coordinates: what its observations and actions are.
        known_form: whether the formula of the model is known.

    Raises:
        InputError: there are fewer transitions.
    """
    n, m = coordinates.n, len(coordinates.controls)
    numbers = 2 * n + m
    needed = numbers + 1 if known_form else max(_FEWEST, _FOR_EACH * numbers)
    if dataset.num_steps < needed:
        rule = "" if known_form else f" ({_FOR_EACH} for each of the {numbers} numbers that a step begins with"
        rule += f", and {_FEWEST} at least)" if rule else ""
        raise InputError(
            f"The recording of {dataset.provenance.env_id} has {dataset.num_steps} transitions, and a model of "
            f"{_counted(n, 'degree')} of freedom under {_counted(m, 'force')} needs at least {needed}{rule}; a useful "
            "one needs some hundred. Record more."
        )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


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
