"""Which scheme made a recording: the one through which models that are quick to fit err least on what was held out.

The models are rigid bodies, with magnetic forces where a network without physics errs less, and such a network. A later
scheme has to be clearly better than an earlier one. Where none of the first schemes explains the recording to the last
digits, schemes with substeps are compared too; where no smooth force explains it, they would not either.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hnn_gym.physics.integrators import Euler, Integrator, Leapfrog, RungeKutta4, Substeps, SymplecticEuler, scheme_name
from hnn_gym.training.one_step import NEAR_THE_END, OneStepSettings
from hnn_gym.training.structures import Structure, is_polynomial, polynomials, second_order
from hnn_gym.training.trials import QUICKLY, Trial, Trials

FIRST_SCHEMES: tuple[Integrator, ...] = (Euler(), SymplecticEuler(), RungeKutta4(), Leapfrog())
"""What most recordings are made by; a later one has to be better by :data:`_MARGIN` than an earlier one."""
FINER_COUNTS = (2, 5)
"""Substeps of RK4 and of semi-implicit Euler that are tried where none of the first explains the data to the last
digits."""
QUICK = OneStepSettings(steps=12, rows=300, most_rows=300, seconds=3.0)
"""The fit of a moment."""

_MARGIN = 1.3
_CLEARLY = 0.1
"""A scheme of first order that is better than the others by this factor needs no finer rival."""


@dataclass
class SchemeSearch:
    """The search for the scheme of one recording.

    Attributes:
        trials: what was tried, which the search adds to.
        seed: of initial weights.
    """

    trials: Trials
    seed: int = 0
    _probed: dict[Integrator, list[Trial]] = field(default_factory=dict, init=False)

    def scheme(self) -> Integrator:
        """The scheme that made the data: the first one in order that no other beats by much."""
        bodies, network = polynomials(self.trials.variables), second_order(self.trials.variables, units=24)
        smooth, probes = self._is_smooth(network, bodies), list[Structure]()
        for structure in (network, *bodies) if smooth else ():
            if structure in (network, *bodies[:1]) or self._least(bodies[0]) > self._least(network):
                probes.append(structure)
                for scheme in FIRST_SCHEMES:
                    self._probe(structure, scheme)
        scores = {
            scheme: min(trial.one_step for trial in self._probed[scheme])
            for scheme in FIRST_SCHEMES
            if scheme in self._probed
        }
        for scheme, score in scores.items():
            self._say(scheme, score)
        if not smooth:
            self.trials.tell("  No smooth force explains these steps, so that finer substeps are not compared.")
        best = min(scores, key=lambda scheme: scores[scheme])
        rival = min(score for scheme, score in scores.items() if scheme != best)
        clear = isinstance(best, Euler | SymplecticEuler) and scores[best] < _CLEARLY * rival
        if smooth and not clear and scores[best] > self.trials.floor:
            for scheme in (RungeKutta4(), SymplecticEuler()):
                if _CLEARLY * scores[scheme] <= scores[best]:  # k substeps have a k-th of the error at the least
                    for finer in (Substeps(scheme, count) for count in FINER_COUNTS):
                        scores[finer] = min(self._probe(probe, finer).one_step for probe in probes)
                        self._say(finer, scores[finer])
        least = min(scores.values())
        return next(scheme for scheme, score in scores.items() if score <= _MARGIN * least)

    def _is_smooth(self, network: Structure, bodies: list[Structure]) -> bool:
        """Whether a smooth force may explain the steps: few of them can be too few for a network, not for rigid bodies.

        Both are tried through schemes that are near to the exact flow, and the network through the one that most games
        step by.
        """
        if not self.trials.rough(*(self._probe(network, scheme) for scheme in (SymplecticEuler(), RungeKutta4()))):
            return True
        return bool(bodies) and not self.trials.rough(self._probe(bodies[0], Leapfrog()))

    def _least(self, structure: Structure) -> float:
        """The least error of a model through any scheme."""
        trials = [trial for trials in self._probed.values() for trial in trials]
        return min(trial.one_step for trial in trials if trial.architecture == structure.architecture)

    def _probe(self, structure: Structure, scheme: Integrator) -> Trial:
        """A model that is fitted for a moment, once for each scheme."""
        trials = self._probed.setdefault(scheme, [])
        for trial in trials:
            if trial.architecture == structure.architecture:
                return trial
        damping = NEAR_THE_END if is_polynomial(structure.architecture) else QUICK.damping
        quick = replace(QUICK, seed=self.seed, damping=damping)
        trials.append(self.trials.attempt(f"{structure.label}, {QUICKLY}", structure.architecture, scheme, quick))
        return trials[-1]

    def _say(self, scheme: Integrator, score: float) -> None:
        self.trials.tell(f"  {scheme_name(scheme)}: errors of a step {score:.2g}.")
