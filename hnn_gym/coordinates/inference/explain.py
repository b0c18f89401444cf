"""What the entries are that no relation to a velocity explains: functions of the state, or degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.coordinates import LearnedReadout, Readout
from hnn_gym.coordinates.inference.angles import noise_of, pairs_on_a_circle
from hnn_gym.coordinates.inference.controls import indicators
from hnn_gym.coordinates.inference.degrees import Found, leftover_degree, noisy_constant
from hnn_gym.coordinates.inference.functions import exact_function
from hnn_gym.coordinates.inference.learned_functions import learned_function
from hnn_gym.coordinates.inference.recording import Recording

_LEARNED = 0.01
"""An entry is a function of the others if a network that learns it is off by less than this share of its spread."""


def explained(
    recording: Recording, found: list[Found], left: list[int]
) -> tuple[list[Readout | LearnedReadout], list[Found], dict[str, str]]:
    """Functions of the state among the entries that are left, all degrees of freedom, and evidence."""
    constant = {entry: one for entry in left if (one := noisy_constant(recording, entry)) is not None}
    found, left = _without_copies(recording, [*found, *constant.values()], [i for i in left if i not in constant])
    library = Library.of(recording, found)
    exact = [entry for entry in left if library.exact(recording, entry) is not None]
    others = [entry for entry in left if entry not in exact]
    errors = {entry: library.learned(recording, entry, among=len(others))[1] for entry in others}
    learned = [entry for entry in others if errors[entry] < _LEARNED + library.noise]
    odd = [entry for entry in others if entry not in learned]
    known = [entry for one in found for entry in one.entries]
    for entry in odd:
        telling = known + [other for other in odd if other != entry]
        degree = leftover_degree(recording, entry, telling, indicators(recording), shown=errors[entry])
        if degree is None:
            learned.append(entry)
        else:
            found = [*found, degree]
    found = sorted(found, key=lambda one: min(one.entries))
    library = Library.of(recording, found)  # only now the degrees of freedom have their numbers
    readouts: list[Readout | LearnedReadout] = []
    for entry in exact:
        readout = library.exact(recording, entry)
        assert readout is not None, "it was exact before more degrees of freedom were known"
        readouts.append(readout)
    evidence = {}
    for entry in learned:
        network, error = library.learned(recording, entry, among=len(learned))
        readouts.append(network)
        text = f"off by {100 * error:.2g} % of its spread where it was not fitted"
        evidence[f"entry {entry}"] = f"nothing that is observed explains it: {text}" if entry in odd else text
    return readouts, found, evidence


def _without_copies(recording: Recording, found: list[Found], left: list[int]) -> tuple[list[Found], list[int]]:
    """Take what follows from angles, such as the tip of an arm and its velocity, out of the degrees of freedom."""
    kept = list(found)
    left = list(left)
    for one in found:
        others = [other for other in kept if other is not one]
        turning = any(other.seen.place is not None and len(other.seen.place.entries) > 1 for other in others)
        if one.raw is None or one.fixed or not turning:
            continue
        readout = Library.of(recording, others).exact(recording, one.raw)
        if readout is not None and any("(" in term for term, _ in readout.terms):
            kept = others
            left += one.entries
    return kept, sorted(left)


@dataclass(frozen=True)
class Library:
    """The states that functions are of."""

    q: np.ndarray
    v: np.ndarray
    waves: tuple[bool, ...]
    linear: tuple[bool, ...]
    noise: float

    @classmethod
    def of(cls, recording: Recording, found: list[Found]) -> Library:
        """Read the states of degrees of freedom, in the order of their entries."""
        nothing = np.zeros(len(recording.action))
        ordered = sorted(found, key=lambda one: min(one.entries))
        places = [one.seen.place for one in ordered]
        q = [nothing if place is None else place.values(recording.before) for place in places]
        v = [one.seen.speed(recording.before) for one in ordered]
        return cls(
            np.stack(q, axis=1) if q else np.zeros((len(nothing), 0)),
            np.stack(v, axis=1) if v else np.zeros((len(nothing), 0)),
            tuple(one.seen.place is not None and not one.fixed for one in ordered),
            tuple(one.raw is not None for one in ordered),
            noise_of(pairs_on_a_circle(recording.before, [i for p in places if p is not None for i in p.entries])),
        )

    def exact(self, recording: Recording, entry: int) -> Readout | None:
        """The known function that an entry is, or None."""
        if not self.waves:
            return None
        values = recording.before[:, entry]
        return exact_function(entry, values, self.q, self.v, waves=self.waves, linear=self.linear, noise=self.noise)

    def learned(self, recording: Recording, entry: int, *, among: int) -> tuple[LearnedReadout, float]:
        """A network, and its error; 1 where there is nothing to read. ``among`` many entries each is fitted briefly."""
        if not self.waves:
            return LearnedReadout(entry, ("1",), ((0.0,),), (0.0,), (0.0,), 0.0), 1.0
        values = recording.before[:, entry]
        return learned_function(entry, values, self.q, self.v, waves=self.waves, linear=self.linear, among=among)
