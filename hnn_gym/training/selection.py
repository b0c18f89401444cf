"""Which structure a recording asks for: found by what was held out, through the scheme of :mod:`.scheme_search`.

The structures are those of :mod:`hnn_gym.training.structures`: rigid bodies and a network without physics are tried
always, and others only where rigid bodies do not explain the recording. A model without an energy is chosen only where
it is better by more than a tenth.

A network without physics stands for every force that is a smooth function of state and action. Where it errs much, and
rigid bodies do too, what is missing is not smooth: contacts, or forces that are not observed. No looser smooth model
would find that, so that none is tried there, except for friction that sticks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hnn_gym.models import Architecture, MechanicalHNN, PlanarChainHNN
from hnn_gym.physics.integrators import Euler, Integrator, RungeKutta4, Substeps
from hnn_gym.training.effort import affordable
from hnn_gym.training.finishing import for_longer, with_fewer_terms
from hnn_gym.training.one_step import NEAR_THE_END, OneStepSettings, fit_one_step
from hnn_gym.training.scheme_search import FINER_COUNTS, QUICK
from hnn_gym.training.structures import (
    DRY,
    Structure,
    extensions,
    first_order,
    is_polynomial,
    networks,
    polynomials,
    second_order,
    with_residual,
    without_friction,
)
from hnn_gym.training.trials import AS_GOOD, QUICKLY, Trial, Trials, best_of

_MARGIN = 1.3
_SIMPLER = 1.05
"""A model that was tried earlier, and says more, may be worse by this factor."""
_LITTLE = 0.2
"""Of a typical change and of a standard deviation: a model that errs by more explains little."""
_ROUGH_SECONDS = 10.0
"""Where no smooth force explains the recording, a network without physics may be fitted for so long, ..."""
_UNLIKELY_SECONDS = 5.0
"""Where the network without physics does not explain the recording, another smooth model may be fitted for so long."""
_GOOD = 1e-4
"""A model that explains all but this share of a typical change needs no additions."""

POLYNOMIAL = OneStepSettings(steps=24, rows=300, most_rows=1000, patience=2, damping=NEAR_THE_END)
CHAIN = OneStepSettings(steps=40, rows=150, most_rows=400)
NETWORK = OneStepSettings(steps=120, rows=400, most_rows=2000, patience=8)
LONGER = OneStepSettings(steps=200, rows=1000, most_rows=2000, patience=20, gain=1e-4)


@dataclass
class Selection:
    """The search on one recording.

    Attributes:
        trials: what was tried.
        seed: of initial weights.
        seconds: what the fit of a large model may take, on one core of an ordinary machine.
    """

    trials: Trials
    seed: int = 0
    seconds: float = OneStepSettings.seconds

    def structure(self, scheme: Integrator) -> Trial:
        """The best model, never worse than the best of all that were tried by more than a tenth."""
        best = self._searched(scheme)
        if self.trials.as_good(best):
            return best
        rival = best_of(self.trials.done)
        return replace(rival, label=rival.name)

    def _searched(self, scheme: Integrator) -> Trial:
        rough = bool(self.trials.done) and self.trials.rough(*self.trials.done)  # as the search for the scheme found
        structure = second_order(self.trials.variables)
        network = self.tried(structure, scheme, seconds=_ROUGH_SECONDS if rough else None)
        seconds = _UNLIKELY_SECONDS if self.trials.rough(network) else None
        candidates: list[Trial] = []
        for structure in () if rough and seconds else polynomials(self.trials.variables):
            if candidates and self.trials.rough(network, *candidates):
                break
            candidates.append(self.tried(structure, scheme, seconds=seconds))
            if candidates[-1].merit <= max(min(self.trials.floor, AS_GOOD * network.merit), 0.5 * network.merit):
                return self.finished(self._simplified(self._in_finer_steps(candidates[-1])))
        for structure in networks(self.trials.variables):
            candidates.append(self.tried(structure, scheme, seconds=seconds))
            enough = candidates[-1].merit <= max(self.trials.floor, AS_GOOD * network.merit)
            if enough or self.trials.rough(network, *candidates):
                break
        return self.finished(self._simplified(self._extended(candidates)))

    def refined(self, best: Trial) -> Trial:
        """The best model fitted to all of the recording."""
        evidence = self.trials.evidence
        penalty = _penalty(best.architecture)
        settings = replace(self._settings(best.architecture).continued(8), residual_penalty=penalty, keep_zeros=True)
        if explains_little(best):
            settings = replace(settings, seconds=_UNLIKELY_SECONDS)
        size = sum(value.size for value in best.parameters.values())
        settings = affordable(settings, best.architecture, best.scheme, parameters=size, fewest=1) or settings
        parameters = fit_one_step(
            best.architecture, best.world.integrator, evidence.whole, best.parameters, settings=settings
        )
        world = evidence.world(best.architecture, parameters, best.world.integrator)
        return replace(best, world=world)

    def _settings(self, architecture: Architecture) -> OneStepSettings:
        if isinstance(architecture, PlanarChainHNN):
            return self._own(CHAIN)
        return self._own(POLYNOMIAL if is_polynomial(architecture) else NETWORK)

    def _own(self, settings: OneStepSettings) -> OneStepSettings:
        return replace(settings, seed=self.seed, seconds=self.seconds)

    def tried(self, structure: Structure, scheme: Integrator, *, seconds: float | None = None) -> Trial:
        """A model that starts from what linear equations say.

        Args:
            structure: the model.
            scheme: the scheme to fit it through.
            seconds: what the fit of a large model may take; None: as long as usual.
        """
        settings = self._settings(structure.architecture)
        settings = settings if seconds is None else replace(settings, seconds=seconds)
        return self.trials.attempt(structure.label, structure.architecture, scheme, settings)

    def _extended(self, candidates: list[Trial]) -> Trial:
        """The best of mechanical models and of networks, or a mechanical one with what explains more beside it."""
        seen = self.trials.evidence.variables
        # A small network that was fitted for a moment may know more of what nothing explains.
        free = best_of(trial for trial in self.trials.done if not trial.world.has_energy)
        free = replace(free, label=free.name)
        # A force that none of them has hides finer differences between them.
        structured = simplest(candidates, within=_MARGIN)
        rough = self.trials.rough(free, structured)
        structured = plain = structured if rough else self._for_longer(structured)
        if structured.one_step > _GOOD or structured.merit > AS_GOOD * free.merit:
            for structure, scheme in extensions(structured.structure, structured.scheme, seen):
                if not rough or structure.architecture.hyperparameters()["dry"]:
                    structured = self._finer(self._with_more(structured, structure, scheme))
            if structured.merit > 0.9 * free.merit and not rough:
                # What was added may have stood for a force that only a residual one explains.
                bases = (plain,) if structured is plain else (plain, structured)
                structured = best_of(self._with_more(one, with_residual(one.structure), one.scheme) for one in bases)
        best = chosen([*candidates, structured, free])
        if best.world.has_energy:
            return best
        # The residual of a step is the best that it can do.
        return chosen([best, self.tried(first_order(seen), Euler(), seconds=_ROUGH_SECONDS if rough else None)])

    def _with_more(self, base: Trial, structure: Structure, scheme: Integrator) -> Trial:
        """A looser model, if it explains more: some steps of a fit show whether it is worth a whole one."""
        settings = replace(self._own(NETWORK), residual_penalty=_penalty(structure.architecture))
        brief = replace(settings, steps=10, most_rows=settings.rows, seconds=QUICK.seconds)
        # Magnetic forces that were left out have spoilt what was fitted; linear equations have them all at once.
        model = structure.architecture
        assert isinstance(model, MechanicalHNN)
        start = None if model.magnetic and not model.hidden else base.parameters
        label = structure.label
        quick = self.trials.attempt(f"{label}, {QUICKLY}", structure.architecture, scheme, brief, start=start)
        if not quick.merit < base.merit:
            return base
        whole = self.trials.attempt(label, structure.architecture, scheme, settings, start=quick.parameters)
        trial = best_of([replace(quick, label=label), whole])
        return trial if AS_GOOD * trial.merit < base.merit else base

    def _finer(self, trial: Trial) -> Trial:
        """A model with dry friction in finer substeps than those that were quick to fit, if that is better."""
        if trial.scheme != DRY:
            return trial
        settings = replace(self._settings(trial.architecture), steps=20)
        finer = Substeps(DRY.inner, 3 * DRY.count)
        return best_of(
            [trial, self.trials.attempt(trial.label, trial.architecture, finer, settings, start=trial.parameters)]
        )

    def _in_finer_steps(self, trial: Trial) -> Trial:
        """The model through finer substeps, where these explain more: before the model was known, they could not."""
        found = trial
        inner, count = (
            (trial.scheme.inner, trial.scheme.count) if isinstance(trial.scheme, Substeps) else (trial.scheme, 1)
        )
        if not isinstance(inner, RungeKutta4) or trial.merit <= self.trials.floor:
            return found
        settings = self._settings(trial.architecture).continued(8)
        for finer in (Substeps(inner, more) for more in FINER_COUNTS if more > count):
            attempt = self.trials.attempt(trial.label, trial.architecture, finer, settings, start=trial.parameters)
            found = attempt if AS_GOOD * attempt.merit < found.merit else found
        return found

    def _simplified(self, best: Trial) -> Trial:
        """The same without viscous friction, where that is as good."""
        plain = without_friction(best.structure)
        if plain is None:
            return best
        settings = self._settings(plain.architecture).continued(16)
        trial = self.trials.attempt(
            f"{plain.label} without viscous friction", plain.architecture, best.scheme, settings, start=best.parameters
        )
        if self.trials.as_good(trial):
            return trial
        return replace(best, label=f"{best.label} with viscous friction")

    def finished(self, best: Trial) -> Trial:
        """The model that was chosen, fitted to its end: polynomials with fewer terms, small networks for longer."""
        if not is_polynomial(best.architecture):
            return self._for_longer(best)
        settings = replace(self._settings(best.architecture), residual_penalty=_penalty(best.architecture))
        return with_fewer_terms(self.trials, best, settings=settings)

    def _for_longer(self, best: Trial) -> Trial:
        if is_polynomial(best.architecture):
            return best
        settings = replace(self._own(LONGER), residual_penalty=_penalty(best.architecture))
        return for_longer(self.trials, best, settings=settings)


def chosen(trials: list[Trial]) -> Trial:
    """The best trial; one with an energy unless another is better by more than a tenth, or nothing explains much."""
    best = best_of(trials)
    structured = [trial for trial in trials if trial.world.has_energy]
    if not structured:
        return best
    second = simplest(structured)
    if not second.merit <= AS_GOOD * best.merit:
        return best
    free = [trial for trial in trials if not trial.world.has_energy]
    if free and explains_little(second) and best_of(free).merit <= AS_GOOD * best.merit:
        return best_of(free)
    return second


def explains_little(trial: Trial) -> bool:
    """Whether a model errs much after one step and over many, so that its energy would be none of the system's.

    Noise of the observations makes errors of one step alone.
    """
    return trial.one_step > _LITTLE and trial.many_steps > _LITTLE


def simplest(trials: list[Trial], *, within: float = _SIMPLER) -> Trial:
    """The first of the trials that are worse than the best by a factor at most, which is the one that says most."""
    return next(trial for trial in trials if trial.merit <= within * best_of(trials).merit)


def _penalty(architecture: Architecture) -> float:
    """What keeps a residual force small: a millionth of its mean square, in units of the forces."""
    return 1e-6 if isinstance(architecture, MechanicalHNN) and architecture.residual else 0.0
