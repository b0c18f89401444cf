"""The last steps of a search: the model that was chosen loses terms that it does not need, or is fitted for longer."""

from __future__ import annotations

from dataclasses import replace

from hnn_gym.models import MechanicalHNN
from hnn_gym.models.constant_masses import with_constant_masses
from hnn_gym.training.needed_terms import terms
from hnn_gym.training.one_step import OneStepSettings, without_needless_terms
from hnn_gym.training.trials import Trial, Trials, best_of

_SHARES = (0.01, 0.01, 0.03, 0.1)
"""Of the sum of squares that a term has to be worth: a model that was fitted with fewer terms may need fewer still, and
the last ones to go may stand for roundings that are not independent."""
_ROUNDS = 3
"""A network may gain from further steps so often."""
_SMALL = 200
"""Networks of more parameters take too long for further steps."""
_GAIN = 0.8
"""Further steps have to reduce the error to this share to be followed by more."""
_FEW_STEPS = 4
"""Steps of a fit that begins at its end."""
_STEPS = 8
"""Steps of the fit after terms were left out."""


def with_fewer_terms(trials: Trials, best: Trial, *, settings: OneStepSettings) -> Trial:
    """Polynomials without the terms that the recording does not need, where they are as good.

    Args:
        trials: what was tried.
        best: a model whose M, V and A are polynomials.
        settings: of its fit.
    """
    found = sparse = best
    for share in _SHARES:
        start = without_needless_terms(
            sparse.architecture,
            sparse.world.integrator,
            trials.evidence.fitted,
            sparse.parameters,
            settings=settings,
            share=share,
        )
        left = terms(start)
        if left == terms(sparse.parameters):
            continue
        shorter = replace(settings.continued(_STEPS), keep_zeros=True)
        label = f"{best.label}, {left} {'term' if left == 1 else 'terms'}"
        sparse = trials.attempt(label, best.architecture, best.scheme, shorter, start=start)
        if trials.as_good(sparse):  # if not, terms that are still needless may be what makes it worse
            found = replace(sparse, label=best.label)
    return _separable(trials, found, settings=settings)


def _separable(trials: Trials, best: Trial, *, settings: OneStepSettings) -> Trial:
    """The same with constant masses, where M(q) was found to be constant and diagonal."""
    if not isinstance(best.architecture, MechanicalHNN):
        return best
    same = with_constant_masses(best.architecture, best.parameters)
    if same is None:
        return best
    model, start = same
    shorter = replace(settings.continued(_FEW_STEPS), keep_zeros=True)
    trial = trials.attempt(f"{best.label}, constant masses", model, best.scheme, shorter, start=start)
    return replace(trial, label=best.label) if trials.as_good(trial) else best


def for_longer(trials: Trials, best: Trial, *, settings: OneStepSettings) -> Trial:
    """A small network after further steps, as long as they help.

    Args:
        trials: what was tried.
        best: the model.
        settings: of every further fit.
    """
    if sum(value.size for value in best.parameters.values()) > _SMALL:
        return best
    found = best
    for _ in range(_ROUNDS):
        label = f"{best.label}, for longer"
        trial = trials.attempt(label, best.architecture, best.scheme, settings, start=found.parameters)
        gain, found = trial.merit / found.merit, best_of([found, replace(trial, label=best.label)])
        if not gain < _GAIN:
            break
    return found
