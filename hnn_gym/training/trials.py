"""Models with their schemes, fitted to a recording one by one and judged by what was held out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hnn_gym.errors import ConvergenceError
from hnn_gym.models import Architecture, Variables
from hnn_gym.physics.integrators import Euler, Integrator, Substeps, SymplecticEuler, in_velocities, scheme_name
from hnn_gym.training.effort import affordable
from hnn_gym.training.evidence import Evidence
from hnn_gym.training.one_step import OneStepSettings, fit_one_step
from hnn_gym.training.single_steps import one_step_errors
from hnn_gym.training.starting_point import StartingPoint
from hnn_gym.training.structures import Structure
from hnn_gym.training.transitions import Transitions
from hnn_gym.worlds.world_model import WorldModel

QUICKLY = "quickly"
"""Ends the label of a fit of a moment, of which nothing is said."""
AS_GOOD = 1.1
"""A model that says more may be worse than the best of all by this factor."""
_SMOOTH = 0.1
"""Of a typical change and of a standard deviation: where a model that stands for every smooth force errs by more, what
is missing is not smooth."""
_FLOOR = 30.0
"""Errors below so many roundings of the observations are not worth another model."""
_BRIEF_STEPS, _BRIEF_ROWS = 8, 100
"""Of the fits that choose between several starts, through half of the substeps."""


@dataclass(frozen=True)
class Trial:
    """A fitted model.

    Attributes:
        label: what it is, for reports.
        scheme: the scheme as its name says, without change of variables.
        one_step: median error of a held-out step that met no limit, in units of typical changes.
        many_steps: median error over held-out windows, in standard deviations.
        cpu_seconds: what the fit cost.
        world: the model with its parameters and its scheme.
    """

    label: str
    scheme: Integrator
    one_step: float
    many_steps: float
    cpu_seconds: float
    world: WorldModel = field(repr=False)

    @property
    def architecture(self) -> Architecture:
        """The model."""
        assert self.world.architecture is not None
        return self.world.architecture

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters of the model."""
        assert self.world.parameters is not None
        return dict(self.world.parameters)

    @property
    def structure(self) -> Structure:
        """The model with its name."""
        return Structure(self.label, self.architecture)

    @property
    def name(self) -> str:
        """What it is, however long it was fitted."""
        return self.label.removesuffix(f", {QUICKLY}")

    @property
    def merit(self) -> float:
        """One number to compare trials by: the geometric mean of the errors in one step and over many."""
        return float(np.sqrt(self.one_step * self.many_steps))

    def to_json(self) -> dict[str, Any]:
        """What a card says of it."""
        return {
            "model": self.label,
            "scheme": scheme_name(self.scheme),
            "one_step": _finite(self.one_step),
            "many_steps": _finite(self.many_steps),
            "cpu_seconds": round(self.cpu_seconds, 2),
        }


class Trials:
    """All trials on one recording."""

    def __init__(self, evidence: Evidence, tell: Callable[[str], None] | None = None) -> None:
        """Start without trials.

        Args:
            evidence: the recording.
            tell: called with a sentence about every model, as soon as it is fitted.
        """
        self.evidence = evidence
        self.tell = tell or (lambda sentence: None)
        self.done: list[Trial] = []
        self._starts: dict[tuple[Variables, bool], StartingPoint] = {}

    @property
    def variables(self) -> Variables:
        """Of the system; constants of the episode are not seen by the first models."""
        variables = self.evidence.variables
        if not variables.fixed:
            return variables
        ignored = variables.ignored or (False,) * variables.n
        return replace(variables, ignored=tuple(a or b for a, b in zip(ignored, variables.fixed, strict=True)))

    @property
    def floor(self) -> float:
        """Errors of the size of the rounding with which the observations come."""
        return _FLOOR * self._error_of_rounding(self.evidence.rounding)

    def _error_of_rounding(self, relative: float) -> float:
        """The error of states that are rounded once, each entry by so large a share of its usual size."""
        data = self.evidence.held_out
        size = np.concatenate([np.abs(data.q), np.abs(data.v)], axis=1).mean(axis=0)
        return float(np.sqrt(np.mean((relative * size / data.change) ** 2)))

    def rough(self, *trials: Trial) -> bool:
        """Whether all of these err so much that what is missing is not smooth; constants that they miss may be it.

        Noise of the observations makes errors of one step alone.
        """
        missed = self.variables != self.evidence.variables
        return not missed and all(min(trial.one_step, trial.many_steps) > _SMOOTH for trial in trials)

    def attempt(
        self,
        label: str,
        architecture: Architecture,
        scheme: Integrator,
        settings: OneStepSettings,
        *,
        start: Mapping[str, np.ndarray] | None = None,
    ) -> Trial:
        """Fit a model through a scheme and judge it.

        Args:
            label: what it is.
            architecture: the model.
            scheme: the scheme, without change of variables.
            settings: of the fit.
            start: parameters to start from; those of the model that are missing start where they usually do.

        Raises:
            InputError: the scheme does not fit the model.
        """
        began = time.process_time()
        evidence = self.evidence
        shapes = {
            name: value.shape for name, value in architecture.initial_parameters(np.random.default_rng(0)).items()
        }
        size = sum(math.prod(shape) for shape in shapes.values())
        cut = affordable(settings, architecture, scheme, parameters=size)
        if cut is None:
            if not label.endswith(QUICKLY):
                self.tell(f"  {label}: left out, since the {size:,} numbers in it would take too long to fit.")
            parameters = {name: np.full(shape, np.nan) for name, shape in shapes.items()}
            stepping = in_velocities(scheme, architecture.build(parameters))
        else:
            parameters = self._start(architecture, scheme, settings)
            parameters |= {name: value for name, value in (start or {}).items() if shapes.get(name) == value.shape}
            stepping = in_velocities(scheme, architecture.build(parameters))
            stepping.check(architecture.build(parameters))
            try:
                parameters = fit_one_step(architecture, stepping, evidence.fitted, parameters, settings=cut)
            except ConvergenceError:  # the start is beyond the numbers: as a trial it is lost, not an error
                parameters = {name: np.full_like(value, np.nan) for name, value in parameters.items()}
        world = evidence.world(architecture, parameters, stepping)
        trial = Trial(label, scheme, median_error(world, evidence.held_out), evidence.many_steps(world), 0.0, world)
        trial = replace(trial, cpu_seconds=time.process_time() - began)
        self.done.append(trial)
        if cut is not None and not label.endswith(QUICKLY):
            self.tell(
                f"  {label}, {scheme_name(scheme)}: errors {trial.one_step:.2g} after one step, "
                f"{trial.many_steps:.2g} over {evidence.horizon} steps; {trial.cpu_seconds:.0f} s."
            )
        return trial

    def as_good(self, trial: Trial) -> bool:
        """Whether nothing that was tried is better by more than a tenth, as far as double precision tells."""
        rounded = self._error_of_rounding(float(np.finfo(float).eps))
        return trial.merit <= max(AS_GOOD * best_of(self.done).merit, rounded)

    def _start(
        self, architecture: Architecture, scheme: Integrator, settings: OneStepSettings
    ) -> dict[str, np.ndarray]:
        """Where a fit begins: where there are several places, a brief fit from each shows which is the best."""
        found = self._starting_point(architecture.variables, scheme).candidates(architecture, settings.seed)
        if len(found) == 1:
            return found[0]
        brief = replace(settings, steps=_BRIEF_STEPS, rows=_BRIEF_ROWS, most_rows=_BRIEF_ROWS)
        coarser = scheme.inner if isinstance(scheme, Substeps) else scheme
        coarser = Substeps(coarser, scheme.count // 2) if isinstance(scheme, Substeps) and scheme.count > 2 else coarser
        stepping = in_velocities(coarser, architecture.build(found[0]))
        fits = []
        for start in found:
            with suppress(ConvergenceError):
                fits.append(fit_one_step(architecture, stepping, self.evidence.fitted, start, settings=brief))
        worlds = [self.evidence.world(architecture, fit, stepping) for fit in fits]
        errors = [median_error(world, self.evidence.fitted) for world in worlds]
        return fits[int(np.argmin(errors))] if fits else found[0]

    def _starting_point(self, variables: Variables, scheme: Integrator) -> StartingPoint:
        key = variables, not isinstance(scheme, Euler | SymplecticEuler)
        if key not in self._starts:
            self._starts[key] = StartingPoint(self.evidence.fitted, variables, midpoint=key[1])
        return self._starts[key]


def best_of(trials: Iterable[Trial]) -> Trial:
    """The trial of least error."""
    return min(trials, key=lambda trial: trial.merit)


def median_error(world: WorldModel, data: Transitions) -> float:
    """Median error of one step that met no limit, in units of typical changes; infinite where it is not defined."""
    errors = one_step_errors(world.dynamics, world.integrator, data)
    return float(np.median(errors[data.smooth] if data.smooth.any() else errors))


def _finite(value: float) -> float | None:
    """The value to three digits, or None where it is infinite, which JSON has no number for."""
    return float(f"{value:.3g}") if np.isfinite(value) else None
