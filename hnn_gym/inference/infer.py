"""The map of a recording: what every observation entry and every action is, with a sentence and evidence for each.

In this order: what never changes; pairs on a circle; which entry is the velocity of which; known functions of these;
velocities without a position and positions without a velocity; angles among the positions; limits; actions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom, Readout
from hnn_gym.errors import InputError
from hnn_gym.inference.controls import ActionMap, action_map, check_varied, indicators
from hnn_gym.inference.degrees import Found, leftover_degree, moving_degrees, still_entries
from hnn_gym.inference.derivatives import Match
from hnn_gym.inference.equations import Equations
from hnn_gym.inference.functions import exact_function
from hnn_gym.inference.leftovers import Kind
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


def infer_map(recording: Recording) -> InferredMap:
    """Infer what the entries of observations and actions are.

    Raises:
        InputError: too little was recorded, nothing moves, an action never changes, or the map is ambiguous; the
            message says between what, and how to settle it.
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
    found, left = moving_degrees(recording, moving)
    dt, clock = _time_step(recording, [one.match for one in found if one.match is not None])
    functions, found = _explained(recording, found + fixed, left, dt=dt)
    found = sorted(found, key=lambda one: min(one.entries))
    degrees, described, actions = _judged(recording, found, dt)
    readouts = sorted(constants + functions, key=lambda readout: readout.entry)
    coordinates = Coordinates(tuple(degrees), actions.controls, tuple(readouts), actions.table, actions.counts)
    sentences = [*described, *(_formula(recording, readout) for readout in readouts), clock, *actions.sentences]
    return InferredMap(coordinates, dt, tuple(sentences))


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
    recording: Recording, found: list[Found], left: list[int], *, dt: float
) -> tuple[list[Readout], list[Found]]:
    """Known functions among the entries that are left, and all degrees of freedom.

    Raises:
        InputError: an entry is neither.
    """
    columns = indicators(recording)
    functions: list[Readout] = []
    unexplained: list[int] = []
    for entry in left:
        readout = _function(recording, sorted(found, key=lambda one: min(one.entries)), entry)
        if readout is None:
            unexplained.append(entry)
        else:
            functions.append(readout)
    known = [entry for one in found for entry in one.entries]
    for entry in unexplained:
        kind, degree = leftover_degree(recording, entry, known, columns)
        if kind is Kind.FUNCTION:
            raise InputError(
                f"{recording.name(entry).capitalize()} is a function of the others that is not in the library of exact "
                "functions: leave it out of the observation."
            )
        found = [*found, degree]
    return functions, found


def _function(recording: Recording, found: list[Found], entry: int) -> Readout | None:
    q: list[np.ndarray] = []
    v: list[np.ndarray] = []
    for one in found:
        place = one.seen.place
        q.append(np.zeros(len(recording.action)) if place is None else place.values(recording.before))
        velocity = one.seen.velocity
        v.append(np.zeros(len(recording.action)) if velocity is None else recording.before[:, velocity])
    angles = tuple(one.seen.place is not None and len(one.seen.place.entries) == 2 for one in found)
    places = tuple(one.seen.place is not None for one in found)
    return exact_function(entry, recording.before[:, entry], np.stack(q, axis=1), np.stack(v, axis=1), angles, places)


def _judged(recording: Recording, found: list[Found], dt: float) -> tuple[list[DegreeOfFreedom], list[str], ActionMap]:
    """Decide about angles, limits and actions: declarations, sentences, and what the actions do."""
    degrees = [one.degree(recording) for one in found]
    sentences = [one.sentence for one in found]
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
            sentences[i] = sentences[i].replace("a position", "an angle in rad", 1)
        sentences[i] += f"; {verdict.reason}"
    for i in moving:
        degrees[i], limits = _limited(recording, degrees[i])
        sentences[i] += limits
    actions = action_map(recording, equations, tuple(degrees[i].is_angle for i in moving), moving)
    described = [
        f"{_where(recording, one)}: q{i}, {text}." for i, (one, text) in enumerate(zip(found, sentences, strict=True))
    ]
    return degrees, described, actions


def _limited(recording: Recording, degree: DegreeOfFreedom) -> tuple[DegreeOfFreedom, str]:
    """The declaration with the limits that show, and the end of a sentence."""
    velocity, position, text = degree.velocity, degree.position, ""
    if velocity is None:
        return degree, text
    limit = speed_limit(recording, velocity)
    if limit is not None:
        degree = replace(degree, speed_limit=limit)
        text += f"; its speed is clipped at {limit:.6g}"
    if position is None or degree.wraps is not None:
        return degree, text
    walls = stops(recording, position, velocity)
    if walls is not None:
        degree = replace(degree, stops=walls)
        shown = " and ".join(f"{wall:.6g}" for wall in walls[:2] if wall is not None)
        text += f"; it meets a wall at {shown}" + (f", restitution {walls[2]:.2g}" if walls[2] else "")
    return degree, text


def _where(recording: Recording, one: Found) -> str:
    entries = one.seen.place.entries if one.seen.place is not None else one.entries
    text = " and ".join(recording.name(entry) for entry in entries)
    return text[0].upper() + text[1:]


def _formula(recording: Recording, readout: Readout) -> str:
    name = recording.name(readout.entry)
    if all(term == "1" for term, _ in readout.terms):
        return f"{name[0].upper() + name[1:]}: always {sum(value for _, value in readout.terms):g}."
    terms = " ".join(f"{'+' if value >= 0 else '-'} {abs(value):.6g} {term}" for term, value in readout.terms)
    return f"{name[0].upper() + name[1:]}: a known function of the others, {terms.removeprefix('+ ')}."
