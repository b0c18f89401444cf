"""The last steps of a search: the model that was chosen loses terms that it does not need, or is fitted for longer."""

from __future__ import annotations

from dataclasses import replace

from hnn_gym.training.needed_terms import terms
from hnn_gym.training.one_step import OneStepSettings, without_needless_terms
from hnn_gym.training.trials import Trial, Trials, best_of

_ROUNDS = 3
"""A model that was fitted with fewer terms may need fewer still, and a network may gain from further steps."""
_SMALL = 200
"""Networks of more parameters take too long for further steps."""
_GAIN = 0.8
"""Further steps have to reduce the error to this share to be followed by more."""
_STEPS = 24
"""Steps of the fit after terms were left out."""


def with_fewer_terms(trials: Trials, best: Trial, *, settings: OneStepSettings, enough: float) -> Trial:
    """Polynomials without the terms that the recording does not need, where they are as good.

    Args:
        trials: what was tried.
        best: a model whose M, V and A are polynomials.
        settings: of its fit.
        enough: an error that is as good as none.
    """
    found = best
    for _ in range(_ROUNDS):
        start = without_needless_terms(
            found.architecture, found.world.integrator, trials.evidence.fitted, found.parameters, settings=settings
        )
        left = terms(start)
        if left == terms(found.parameters):
            break
        sparse = replace(settings.continued(_STEPS), keep_zeros=True)
        trial = trials.attempt(f"{best.label}, {left} terms", found.architecture, best.scheme, sparse, start=start)
        if not trials.as_good(trial, enough=enough):
            break
        found = replace(trial, label=best.label)
    return found


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
