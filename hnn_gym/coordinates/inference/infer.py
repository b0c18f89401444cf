"""The map of a recording: what every observation entry and every action is, with a sentence and evidence for each.

In this order: what never changes; pairs on a circle; velocities of positions; known functions of these;
velocities without a position and positions without a velocity; angles among the positions; limits; actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom, LearnedReadout, Readout, describe
from hnn_gym.coordinates.inference.controls import ActionMap, action_map, check_varied, indicators
from hnn_gym.coordinates.inference.degrees import Found, moving_degrees, still_entries
from hnn_gym.coordinates.inference.equations import Equations
from hnn_gym.coordinates.inference.explain import explained
from hnn_gym.coordinates.inference.limits import speed_limit, stops
from hnn_gym.coordinates.inference.recording import Recording
from hnn_gym.coordinates.inference.states import States
from hnn_gym.coordinates.inference.time_step import time_step
from hnn_gym.coordinates.inference.topology import verdicts
from hnn_gym.coordinates.readout import factors
from hnn_gym.errors import InputError

_FEWEST = 30
_FINE = 0.5


@dataclass(frozen=True)
class InferredMap:
    """What was inferred.

    Attributes:
        coordinates: the map.
        dt: time between two observations in s.
        sentences: what every entry and action is, and how that was seen.
    """

    coordinates: Coordinates
    dt: float
    sentences: tuple[str, ...]


class AmbiguousMapError(InputError):
    """A recording can be read in several ways.

    Attributes:
        guess: the likeliest map.
    """

    def __init__(self, doubts: list[str], guess: InferredMap) -> None:
        """Say between what it is ambiguous."""
        super().__init__(
            f"The map of the observation is ambiguous: {'; '.join(doubts)}. Choose in the coordinates file "
            "that python -m hnn_gym.collect writes beside the dataset, and give it to python -m hnn_gym.train as "
            "--coordinates."
        )
        self.guess = guess


def infer_map(recording: Recording) -> InferredMap:
    """Infer what the entries of observations and actions are.

    Raises:
        AmbiguousMapError: the message says between what, and how to settle it.
        InputError: too little was recorded, nothing moves, or an action never changes.
    """
    if len(recording.action) < _FEWEST:
        raise InputError(
            f"A map is inferred from {_FEWEST} transitions at least, and {len(recording.action)} were recorded: record "
            "more, or declare the coordinates."
        )
    constants, fixed, moving = still_entries(recording)
    if not moving:
        raise InputError(
            "Nothing moves in this recording: no observation entry changes within any episode. Record with a policy "
            "that excites the system, such as --policy bang-bang."
        )
    check_varied(recording)
    found, left, doubts = moving_degrees(recording, moving)
    dt, clock = time_step(recording, [m for m in (one.match for one in found) if m is not None and not m.other_unit])
    found = [one.in_time(recording, dt) for one in found]
    functions, found, about = explained(recording, found + fixed, left)
    degrees, evidence, actions = _judged(recording, found, dt, functions)
    readouts = sorted([*constants, *functions], key=lambda readout: readout.entry)
    coordinates = Coordinates(tuple(degrees), actions.controls, tuple(readouts), actions.table, actions.counts)
    evidence |= about | {f"action {k}": reason for k, reason in enumerate(actions.evidence)}
    inferred = InferredMap(coordinates, dt, (*describe(coordinates, names=recording.names, evidence=evidence), clock))
    if doubts:
        raise AmbiguousMapError(doubts, inferred)
    return inferred


def _judged(
    recording: Recording, found: list[Found], dt: float, functions: Sequence[Readout | LearnedReadout]
) -> tuple[list[DegreeOfFreedom], dict[str, str], ActionMap]:
    """Decide about angles, limits and actions: declarations, evidence by degree of freedom, and what the actions do."""
    degrees = [_limited(recording, one.degree(recording)) for one in found]
    evidence = [one.evidence for one in found]
    for i, entry in _turning(functions).items():
        if found[i].raw is not None and not found[i].fixed and not degrees[i].angle:
            degrees[i] = replace(degrees[i], angle=True)
            evidence[i] += f"; {recording.name(entry)} is a function of its cosine and sine"
    moving = [i for i, one in enumerate(found) if not one.fixed]
    states = States.of(recording, [found[i].seen for i in moving], indicators(recording), dt=dt)
    states = states.free([degrees[i] for i in moving])
    if not len(states.u):
        raise InputError(
            "Every step of this recording is at a limit of its positions or velocities, so that none of them shows a "
            "free motion. Record with a policy that excites the system, such as --policy bang-bang, or declare the "
            "coordinates."
        )
    leans = [one.match.lean for one in found if one.match is not None]
    equations = Equations(
        states.q,
        states.v,
        states.u,
        placed=[found[i].seen.place is not None for i in moving],
        dt=dt,
        lean=float(np.median(leans)) if leans else _FINE,
    )
    asked = [k for k, i in enumerate(moving) if found[i].raw is not None and not degrees[i].angle]
    angles = tuple(degrees[i].is_angle for i in moving)
    for k, verdict in verdicts(equations, angles, asked).items():
        i = moving[k]
        if verdict.angle:
            degrees[i] = replace(degrees[i], angle=True)
        evidence[i] += f"; {verdict.reason}"
    actions = action_map(recording, equations, tuple(degrees[i].is_angle for i in moving), moving)
    return degrees, {f"q{i}": text for i, text in enumerate(evidence)}, actions


def _turning(functions: Sequence[Readout | LearnedReadout]) -> dict[int, int]:
    """The degrees of freedom whose cosine or sine is in a known function, each with the entry that shows it."""
    return {
        index: readout.entry
        for readout in functions
        if isinstance(readout, Readout)
        for term, _ in readout.terms
        for factor in factors(term)
        if factor.kind in ("cos", "sin")
        for index, _ in factor.sum
    }


def _limited(recording: Recording, degree: DegreeOfFreedom) -> DegreeOfFreedom:
    """The declaration with the limits that show."""
    if degree.velocity is None:
        return degree
    limit = speed_limit(recording, degree.velocity)
    if limit is not None:
        degree = replace(degree, speed_limit=limit / abs(degree.velocity_scale))
    if degree.position is None or degree.wraps is not None or degree.velocity is None:
        return degree
    return replace(degree, stops=stops(recording, degree.position, degree.velocity))
