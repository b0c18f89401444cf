"""The map of a recording: what every observation entry and every action is, with a sentence and evidence for each.

In this order: what never changes; pairs on a circle; which entry is the velocity of which; known functions of these;
velocities without a position and positions without a velocity; angles among the positions; limits; actions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom, Readout, describe
from hnn_gym.errors import InputError
from hnn_gym.inference.controls import ActionMap, action_map, check_varied, indicators
from hnn_gym.inference.degrees import Found, leftover_degree, moving_degrees, still_entries
from hnn_gym.inference.derivatives import Match
from hnn_gym.inference.equations import Equations
from hnn_gym.inference.functions import exact_function
from hnn_gym.inference.limits import speed_limit, stops
from hnn_gym.inference.recording import Recording
from hnn_gym.inference.states import States
from hnn_gym.inference.topology import verdicts

_FEWEST = 30
_EXACT_STEP = 1e-4
"""Relations this exact tell the time step to six digits; others to two."""
_SAME_STEP = 0.1
_BIASED = 3.0
"""Where a relation leaves an error, the step it tells is off by so many times as much at most."""
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
            f"The map of the observation is ambiguous: {'; '.join(doubts)}. Declare in a coordinates file which it is: "
            "python -m hnn_gym.collect writes one to edit, and python -m hnn_gym.train takes it as --coordinates."
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
        raise InputError("Nothing moves in this recording: no observation entry ever changes within an episode.")
    check_varied(recording)
    found, left, doubts = moving_degrees(recording, moving)
    dt, clock = _time_step(recording, [one.match for one in found if one.match is not None])
    functions, found, more = _explained(recording, found + fixed, left)
    doubts += more
    degrees, evidence, actions = _judged(recording, found, dt)
    readouts = sorted(constants + functions, key=lambda readout: readout.entry)
    coordinates = Coordinates(tuple(degrees), actions.controls, tuple(readouts), actions.table, actions.counts)
    evidence |= {f"action {k}": reason for k, reason in enumerate(actions.evidence)}
    inferred = InferredMap(coordinates, dt, (*describe(coordinates, names=recording.names, evidence=evidence), clock))
    if doubts:
        raise AmbiguousMapError(doubts, inferred)
    return inferred


def _time_step(recording: Recording, relations: list[Match]) -> tuple[float, str]:
    """The time step, and a sentence about it."""
    if not relations:
        if recording.dt is None:
            return 1.0, "The time step is not known, and no velocity tells it: it counts as 1."
        return recording.dt, f"The time step is {recording.dt:g} s."
    best = min(relations, key=lambda match: match.error)
    if recording.dt is not None and abs(best.step / recording.dt - 1) < _SAME_STEP + _BIASED * best.error:
        return recording.dt, f"The time step is {recording.dt:g} s, and velocities agree ({best.step:.4g})."
    step = float(f"{best.step:.6g}" if best.error < _EXACT_STEP else f"{best.step:.2g}")
    if recording.dt is None:
        return (
            step,
            f"The time step was not recorded; positions move by {step:g} times their velocities: dt = {step:g}.",
        )
    return (
        step,
        f"Positions move by {step:g} times their velocities, so dt = {step:g}, not {recording.dt:g} as recorded.",
    )


def _explained(
    recording: Recording, found: list[Found], left: list[int]
) -> tuple[list[Readout], list[Found], list[str]]:
    """Known functions among the entries that are left, all degrees of freedom, and doubts in sentences.

    Raises:
        InputError: an entry is a function of the others that cannot be declared.
    """
    functions = [entry for entry in left if _function(recording, found, entry) is not None]
    known = [entry for one in found for entry in one.entries]
    doubts: list[str] = []
    for entry in (entry for entry in left if entry not in functions):
        degree, more = leftover_degree(recording, entry, known, indicators(recording))
        doubts += more
        if degree is None:
            raise InputError(
                f"{recording.name(entry).capitalize()} is a function of the others that is not in the library of exact "
                "functions: leave it out of the observation."
            )
        found = [*found, degree]
    found = sorted(found, key=lambda one: min(one.entries))
    readouts = [_function(recording, found, entry) for entry in functions]  # which count the degrees of freedom
    return [readout for readout in readouts if readout is not None], found, doubts


def _function(recording: Recording, found: list[Found], entry: int) -> Readout | None:
    q: list[np.ndarray] = []
    v: list[np.ndarray] = []
    for one in found:
        place = one.seen.place
        q.append(np.zeros(len(recording.action)) if place is None else place.values(recording.before))
        velocity = one.seen.velocity
        v.append(np.zeros(len(recording.action)) if velocity is None else recording.before[:, velocity])
    waves = tuple(one.seen.place is not None and not one.fixed for one in found)
    linear = tuple(one.raw is not None for one in found)
    return exact_function(
        entry, recording.before[:, entry], np.stack(q, axis=1), np.stack(v, axis=1), waves=waves, linear=linear
    )


def _judged(
    recording: Recording, found: list[Found], dt: float
) -> tuple[list[DegreeOfFreedom], dict[str, str], ActionMap]:
    """Decide about angles, limits and actions: declarations, evidence by degree of freedom, and what the actions do."""
    degrees = [one.degree(recording) for one in found]
    evidence = [one.evidence for one in found]
    moving = [i for i, one in enumerate(found) if not one.fixed]
    states = States.of(recording, [found[i].seen for i in moving], indicators(recording), dt=dt)
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
    for i in moving:
        degrees[i] = _limited(recording, degrees[i])
    actions = action_map(recording, equations, tuple(degrees[i].is_angle for i in moving), moving)
    return degrees, {f"q{i}": text for i, text in enumerate(evidence)}, actions


def _limited(recording: Recording, degree: DegreeOfFreedom) -> DegreeOfFreedom:
    """The declaration with the limits that show."""
    if degree.velocity is None:
        return degree
    degree = replace(degree, speed_limit=speed_limit(recording, degree.velocity))
    if degree.position is None or degree.wraps is not None or degree.velocity is None:
        return degree
    return replace(degree, stops=stops(recording, degree.position, degree.velocity))
