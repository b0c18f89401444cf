"""The map of a recording: what every observation entry and every action is, with a sentence and evidence for each.

In this order: what never changes; pairs on a circle; which entry is the velocity of which; known functions of these;
velocities without a position and positions without a velocity; angles among the positions; limits; actions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom, LearnedReadout, Readout, describe
from hnn_gym.errors import InputError
from hnn_gym.inference.controls import ActionMap, action_map, check_varied, indicators
from hnn_gym.inference.degrees import Found, leftover_degree, moving_degrees, still_entries
from hnn_gym.inference.equations import Equations
from hnn_gym.inference.functions import exact_function
from hnn_gym.inference.learned_functions import learned_function
from hnn_gym.inference.limits import speed_limit, stops
from hnn_gym.inference.recording import Recording
from hnn_gym.inference.states import States
from hnn_gym.inference.time_step import time_step
from hnn_gym.inference.topology import verdicts

_FEWEST = 30
_FINE = 0.5
_LEARNED = 0.01
"""An entry is a function of the others if a network that learns it is off by less than this share of its spread."""


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
    dt, clock = time_step(recording, [one.match for one in found if one.match is not None])
    functions, found, about, more = _explained(recording, found + fixed, left)
    doubts += more
    degrees, evidence, actions = _judged(recording, found, dt)
    readouts = sorted([*constants, *functions], key=lambda readout: readout.entry)
    coordinates = Coordinates(tuple(degrees), actions.controls, tuple(readouts), actions.table, actions.counts)
    evidence |= about | {f"action {k}": reason for k, reason in enumerate(actions.evidence)}
    inferred = InferredMap(coordinates, dt, (*describe(coordinates, names=recording.names, evidence=evidence), clock))
    if doubts:
        raise AmbiguousMapError(doubts, inferred)
    return inferred


def _explained(
    recording: Recording, found: list[Found], left: list[int]
) -> tuple[list[Readout | LearnedReadout], list[Found], dict[str, str], list[str]]:
    """Functions of the state among the entries that are left, all degrees of freedom, evidence, and doubts."""
    found, left = _without_copies(recording, found, left)
    library = _Library.of(recording, found)
    exact = [entry for entry in left if library.exact(recording, entry) is not None]
    others = [entry for entry in left if entry not in exact]
    learned = [entry for entry in others if library.learned(recording, entry)[1] < _LEARNED]
    known = [entry for one in found for entry in one.entries]
    doubts: list[str] = []
    for entry in (entry for entry in others if entry not in learned):
        degree, more = leftover_degree(recording, entry, known, indicators(recording))
        found, doubts = [*found, degree], doubts + more
    found = sorted(found, key=lambda one: min(one.entries))
    library = _Library.of(recording, found)  # only now the degrees of freedom have their numbers
    readouts: list[Readout | LearnedReadout] = []
    for entry in exact:
        readout = library.exact(recording, entry)
        assert readout is not None, "it was exact before more degrees of freedom were known"
        readouts.append(readout)
    evidence = {}
    for entry in learned:
        network, error = library.learned(recording, entry)
        readouts.append(network)
        evidence[f"entry {entry}"] = f"off by {100 * error:.2g} % of its spread where it was not fitted"
    return readouts, found, evidence, doubts


def _without_copies(recording: Recording, found: list[Found], left: list[int]) -> tuple[list[Found], list[int]]:
    """Take what follows from angles, such as the tip of an arm and its velocity, out of the degrees of freedom."""
    kept = list(found)
    left = list(left)
    for one in found:
        others = [other for other in kept if other is not one]
        turning = any(other.seen.place is not None and len(other.seen.place.entries) > 1 for other in others)
        if one.raw is None or one.fixed or not turning:
            continue
        readout = _Library.of(recording, others).exact(recording, one.raw)
        if readout is not None and any("(" in term for term, _ in readout.terms):
            kept = others
            left += one.entries
    return kept, sorted(left)


@dataclass(frozen=True)
class _Library:
    """The states that functions are of."""

    q: np.ndarray
    v: np.ndarray
    waves: tuple[bool, ...]
    linear: tuple[bool, ...]

    @classmethod
    def of(cls, recording: Recording, found: list[Found]) -> _Library:
        nothing = np.zeros(len(recording.action))
        ordered = sorted(found, key=lambda one: min(one.entries))
        places = [one.seen.place for one in ordered]
        q = [nothing if place is None else place.values(recording.before) for place in places]
        v = [nothing if (i := one.seen.velocity) is None else recording.before[:, i] for one in ordered]
        return cls(
            np.stack(q, axis=1) if q else np.zeros((len(nothing), 0)),
            np.stack(v, axis=1) if v else np.zeros((len(nothing), 0)),
            tuple(one.seen.place is not None and not one.fixed for one in ordered),
            tuple(one.raw is not None for one in ordered),
        )

    def exact(self, recording: Recording, entry: int) -> Readout | None:
        if not self.waves:
            return None
        values = recording.before[:, entry]
        return exact_function(entry, values, self.q, self.v, waves=self.waves, linear=self.linear)

    def learned(self, recording: Recording, entry: int) -> tuple[LearnedReadout, float]:
        """A network, and its error; 1 where there is nothing to read."""
        if not self.waves:
            return LearnedReadout(entry, ("1",), ((0.0,),), (0.0,), (0.0,), 0.0), 1.0
        values = recording.before[:, entry]
        return learned_function(entry, values, self.q, self.v, waves=self.waves, linear=self.linear)


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
