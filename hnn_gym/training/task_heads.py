"""Reward and termination learned from a recording, each by the simplest function that explains it.

Termination: thresholds of single entries or their squares first, as most environments are written; then one linear
function of all products of two entries, the one of largest margin among those with a small sum of absolute weights (a
linear program, which keeps it sparse); then a network. Reward: a constant, then polynomials of degree one and two by
least squares, then a network. The step from one to the next is taken where episodes that were held out ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import torch
from scipy.optimize import linprog

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.data.logs.convert import LOG
from hnn_gym.errors import InputError
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.models.task_heads import (
    LearnedReward,
    LearnedTermination,
    NetworkScore,
    PolynomialScore,
    Score,
    TaskHeads,
)
from hnn_gym.systems.registry import system_of
from hnn_gym.training.least_squares import LeastSquaresSettings, least_squares

_HIDDEN = 16
"""Units of a network, where polynomials do not do."""
_ROWS = 1500
"""Steps that a network is fitted to, evenly spaced among those recorded: more take longer and add little."""
_EXACT = 1e-5
"""A polynomial whose error on held-out steps is this share of the reward's spread counts as exact."""
_ROUNDING = 1e-6
"""Terms that contribute less than this share of the reward's spread are left out."""
_SHARE = 0.05
"""A threshold has to explain this share of all terminations at least, so that chance does not make rules."""


@dataclass(frozen=True)
class TaskFigures:
    """How well reward and termination are known.

    Attributes:
        reward_rms: error of the reward on held-out steps, root mean square, in units of the reward.
        reward_spread: standard deviation of the recorded reward, for scale.
        missed: share of the held-out terminations that the head does not see; None without any.
        false_alarms: share of the held-out steps that did not terminate and that the head ends.
        terminations: recorded terminations in all.
    """

    reward_rms: float
    reward_spread: float
    missed: float | None
    false_alarms: float
    terminations: int

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)

    def in_words(self) -> str:
        """The figures as a sentence."""
        seen = "no held-out episode terminated" if self.missed is None else f"{self.missed:.1%} of the ends are missed"
        return (
            f"On held-out steps the reward errs by {self.reward_rms:.2g} (its spread is {self.reward_spread:.2g}), "
            f"{seen}, and {self.false_alarms:.2%} of the other steps are taken for ends."
        )


@dataclass(frozen=True)
class Steps:
    """Recorded steps of a task.

    Attributes:
        observation: before the step ``(N, d)``.
        force: during it ``(N, m)``.
        next_observation: after it ``(N, d)``.
        reward: ``(N,)``.
        terminated: bool ``(N,)``.
    """

    observation: np.ndarray
    force: np.ndarray
    next_observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    inputs: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the shapes, and join what a reward may depend on.

        Raises:
            InputError: there are no steps, or their numbers differ.
        """
        columns = (self.observation, self.force, self.next_observation)
        counts = {len(column) for column in (*columns, self.reward, self.terminated)}
        if len(counts) != 1 or not len(self.reward):
            raise InputError(f"Reward and termination need recorded steps, as many of each kind, not {counts}.")
        object.__setattr__(self, "inputs", np.concatenate(columns, axis=-1).astype(np.float64))

    def __len__(self) -> int:
        """The number of steps."""
        return len(self.reward)

    def take(self, rows: np.ndarray) -> Steps:
        """The steps that a mask or an array of integers picks."""
        names = ("observation", "force", "next_observation", "reward", "terminated")
        return Steps(*(getattr(self, name)[rows] for name in names))


def fit_task_heads(steps: Steps, *, held_out: np.ndarray, seed: int = 0) -> tuple[TaskHeads, TaskFigures]:
    """Fit reward and termination to recorded steps.

    Args:
        steps: what was recorded.
        held_out: bool ``(N,)``, steps on which functions are compared and the figures measured. The functions that
            are returned are fitted to all steps.
        seed: of a network's first weights.

    Raises:
        InputError: all steps are held out, or none.
    """
    if held_out.shape != (len(steps),) or held_out.all() or not held_out.any():
        raise InputError("Some steps, and not all, have to be held out to compare rewards and terminations.")
    kept, judged = steps.take(~held_out), steps.take(held_out)
    trial = _heads(kept, judged, seed=seed)
    termination = trial.termination(judged.next_observation.astype(np.float64))
    error = trial.reward(judged.observation, judged.force, judged.next_observation) - judged.reward
    figures = TaskFigures(
        reward_rms=float(np.sqrt(np.mean(error**2))),
        reward_spread=float(steps.reward.std()),
        missed=float((~termination[judged.terminated]).mean()) if judged.terminated.any() else None,
        false_alarms=float(termination[~judged.terminated].mean()) if (~judged.terminated).any() else 0.0,
        terminations=int(steps.terminated.sum()),
    )
    return _heads(steps, judged, seed=seed), figures


def _heads(fitted: Steps, judged: Steps, *, seed: int) -> TaskHeads:
    termination = fit_termination(fitted.next_observation, fitted.terminated, seed=seed)
    return TaskHeads(fit_reward(fitted, judged, termination, seed=seed), termination)


def fit_termination(observation: np.ndarray, terminated: np.ndarray, *, seed: int = 0) -> LearnedTermination:
    """Find scores of observations ``(N, d)`` that are positive where an episode ``terminated`` ``(N,)``."""
    z = np.asarray(observation, np.float64)
    ended = np.asarray(terminated, bool)
    if not ended.any():
        return LearnedTermination()
    rules, left = _thresholds(z, ended)
    if left.any():
        rest = z[left | ~ended], left[left | ~ended]
        rules.append(_separating(*rest) or _classifying(*rest, seed=seed))
    return LearnedTermination(tuple(rules))


def _thresholds(z: np.ndarray, ended: np.ndarray) -> tuple[list[Score], np.ndarray]:
    """Rules "an entry, its negative or its square exceeds a number", and the terminations that none explains."""
    candidates: list[tuple[tuple[int, ...], float, np.ndarray]] = []
    for i in range(z.shape[1]):
        candidates += [((i, i), 1.0, z[:, i] ** 2), ((i,), 1.0, z[:, i]), ((i,), -1.0, -z[:, i])]
    rules: list[Score] = []
    left = ended.copy()
    while left.any():
        most, best = 0, None
        for term, sign, values in candidates:
            highest = values[~ended].max(initial=-np.inf)
            covered = left & (values > highest)
            if covered.sum() > most:
                most, best = int(covered.sum()), (term, sign, (highest + values[covered].min()) / 2, covered)
        if best is None or most < max(2, _SHARE * ended.sum()):
            break
        term, sign, threshold, covered = best
        rules.append(PolynomialScore(-float(threshold), (term,), (sign,)))
        left = left & ~covered
    return rules, left


def _separating(z: np.ndarray, ended: np.ndarray) -> PolynomialScore | None:
    """The sparse quadratic score of largest margin that is positive exactly at the ends; None if there is none."""
    terms = _terms(z.shape[1], degree=2)
    columns = _columns(z, terms)
    centre, scale = columns.mean(0), columns.std(0)
    moving = scale > 1e-9 * (1 + abs(centre))
    terms = [term for term, used in zip(terms, moving, strict=True) if used]
    columns, centre, scale = columns[:, moving], centre[moving], scale[moving]
    sign = np.where(ended, 1.0, -1.0)[:, None]
    signed = sign * (columns - centre) / scale
    # Variables: positive and negative parts of the weights, the constant, and the margin, which is to be largest.
    rows = np.concatenate([-signed, signed, -sign, np.ones_like(sign)], axis=-1)
    size = len(terms)
    sum_of_weights = np.concatenate([np.ones(2 * size), [0.0, 0.0]])[None]
    found = linprog(
        np.concatenate([np.zeros(2 * size + 1), [-1.0]]),
        A_ub=np.concatenate([rows, sum_of_weights]),
        b_ub=np.concatenate([np.zeros(len(rows)), [1.0]]),
        bounds=[(0, None)] * (2 * size) + [(None, None), (0, None)],
        method="highs",
    )
    if found.status != 0 or found.x[-1] <= 1e-9:
        return None
    weights = (found.x[:size] - found.x[size : 2 * size]) / scale
    constant = found.x[2 * size] - float(weights @ centre)
    used = [(term, float(w)) for term, w in zip(terms, weights, strict=True) if w]
    return PolynomialScore(float(constant), tuple(term for term, _ in used), tuple(w for _, w in used))


def _classifying(z: np.ndarray, ended: np.ndarray, *, seed: int) -> NetworkScore:
    """A network fitted to +1 at the ends and -1 elsewhere, both kinds of equal weight, positive at the ends."""
    rows = np.concatenate([_spread(np.flatnonzero(ended)), _spread(np.flatnonzero(~ended))])
    z, ended = z[rows], ended[rows]
    target = np.where(ended, 1.0, -1.0)
    weight = np.where(ended, 0.5 / ended.sum(), 0.5 / max(1, (~ended).sum()))
    score = _network(z, target, weight, seed=seed)
    values = score(z)
    lowest, highest = values[ended].min(), values[~ended].max(initial=-1.0)
    if lowest <= highest:  # no threshold separates them: err as often on either side
        return score
    return NetworkScore(score.mean, score.scale, score.offset - (lowest + highest) / 2, score.spread, score.network)


def fit_reward(fitted: Steps, judged: Steps, termination: LearnedTermination, *, seed: int = 0) -> LearnedReward:
    """Find the simplest function that predicts the reward of the ``judged`` steps, fitted to the others."""
    spread = float(np.concatenate([fitted.reward, judged.reward]).std())
    if spread == 0.0:
        return LearnedReward(PolynomialScore(float(fitted.reward[0])), 0.0, termination)
    fitted, judged, jump = _without_jump(fitted, judged, termination)
    best: tuple[float, Score] | None = None
    for degree in (0, 1, 2):
        terms = _terms(fitted.inputs.shape[1], degree=degree)
        if len(terms) >= len(fitted):
            break
        score = _polynomial(fitted, terms, spread)
        error = _rms(score, judged)
        if error <= _EXACT * spread:
            return LearnedReward(score, jump, termination)
        if best is None or error < 0.5 * best[0]:  # a larger model has to be clearly better
            best = error, score
    assert best is not None
    rows = _spread(np.arange(len(fitted)))
    network = _network(fitted.inputs[rows], fitted.reward[rows], np.full(len(rows), 1 / len(rows)), seed=seed)
    return LearnedReward(network if _rms(network, judged) < 0.5 * best[0] else best[1], jump, termination)


def _without_jump(fitted: Steps, judged: Steps, termination: LearnedTermination) -> tuple[Steps, Steps, float]:
    """The steps with what termination pays taken away, where one number explains it; and that number."""
    ended = fitted.terminated
    if not termination.scores or not ended.any() or ended.all():
        return fitted, judged, 0.0
    plain = fitted.take(~ended)
    size = fitted.inputs.shape[1]
    terms = _terms(size, degree=2)
    terms = terms if 2 * len(terms) < len(plain) else _terms(size, degree=1)
    score = _polynomial(plain, terms, float(fitted.reward.std()))
    surplus = (fitted.reward - score(fitted.inputs))[ended]
    jump = float(np.median(surplus))
    if abs(jump) <= 3 * max(float(np.abs(surplus - jump).max()), 1e-9):
        return fitted, judged, 0.0
    return plain, judged.take(~judged.terminated) if (~judged.terminated).any() else judged, round(jump, 9)


def _rms(score: Score, steps: Steps) -> float:
    return float(np.sqrt(np.mean((score(steps.inputs) - steps.reward) ** 2)))


def _terms(size: int, *, degree: int) -> list[tuple[int, ...]]:
    return [term for k in range(1, degree + 1) for term in combinations_with_replacement(range(size), k)]


def _columns(z: np.ndarray, terms: Sequence[tuple[int, ...]]) -> np.ndarray:
    """The products ``(N, terms)`` of the entries that each term names."""
    return np.stack([z[:, list(term)].prod(-1) for term in terms], axis=-1) if terms else np.zeros((len(z), 0))


def _polynomial(steps: Steps, terms: list[tuple[int, ...]], spread: float) -> PolynomialScore:
    """Least squares, and once more without the terms that contribute nothing."""
    for _ in range(2):
        columns = _columns(steps.inputs, terms)
        scale = np.maximum(np.abs(columns).max(0, initial=0.0), 1e-12)
        design = np.concatenate([columns / scale, np.ones((len(steps), 1))], axis=-1)
        found = np.linalg.lstsq(design, steps.reward, rcond=1e-10)[0]
        weights = found[:-1] / scale
        used = np.abs(found[:-1]) > _ROUNDING * spread
        if used.all():
            break
        terms = [term for term, keep in zip(terms, used, strict=True) if keep]
        weights = weights[used]
    return PolynomialScore(float(found[-1]), tuple(terms), tuple(map(float, weights)))


def _spread(rows: np.ndarray) -> np.ndarray:
    """At most ``_ROWS`` of the rows, evenly spaced."""
    return rows[:: max(1, -(-len(rows) // _ROWS))]


def _network(z: np.ndarray, target: np.ndarray, weight: np.ndarray, *, seed: int) -> NetworkScore:
    """A network fitted to ``target`` ``(N,)`` with weights ``(N,)`` of the squares that add up to 1."""
    mean, scale = z.mean(0), z.std(0)
    scale = np.where(scale > 1e-9 * (1 + abs(mean)), scale, 1.0)
    offset, spread = float(target.mean()), float(target.std()) or 1.0
    arrays = initial_mlp("n", (z.shape[1], _HIDDEN, 1), rng=np.random.default_rng(seed))
    inputs = torch.as_tensor((z - mean) / scale)
    wanted, root = torch.as_tensor((target - offset) / spread), torch.as_tensor(np.sqrt(weight))

    def decayed(parameters: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return torch.cat([1e-4 * parameters[name].reshape(-1) for name in ("n.w0", "n.w1")])

    def residual(parameters: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return torch.cat([root * (MLP.of(parameters, "n")(inputs)[:, 0] - wanted), decayed(parameters)])

    def value(parameters: Mapping[str, torch.Tensor], row: torch.Tensor) -> torch.Tensor:
        return MLP.of(parameters, "n")(row)[0]

    def jacobian(parameters: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Row by row in reverse mode, since every residual is that of one row."""
        slopes = torch.vmap(torch.func.grad(value), in_dims=(None, 0))(dict(parameters), inputs)
        of_weights = torch.func.jacrev(decayed)(dict(parameters))
        by_rows = torch.cat([slope.flatten(1) for slope in slopes.values()], dim=1)
        return torch.cat([root[:, None] * by_rows, torch.cat([part.flatten(1) for part in of_weights.values()], dim=1)])

    found = least_squares(residual, arrays, settings=LeastSquaresSettings(steps=40), jacobian=jacobian)
    network = {name.removeprefix("n."): value.tolist() for name, value in found.items()}
    return NetworkScore(tuple(mean.tolist()), tuple(scale.tolist()), offset, spread, network)


def task_card(dataset: TransitionDataset, coordinates: Coordinates, *, seed: int = 0) -> dict[str, Any]:
    """Learn reward and termination of a recording, for the card of a world that was learned from it.

    Args:
        dataset: the recording. Every fifth episode is held out to compare functions; of fewer than five episodes, the
            last fifth of the steps.
        coordinates: what its actions are.
        seed: of a network's first weights.

    Returns:
        Entries for the card: the heads as "task", and in "task" also "figures" and, as sentences, "words". Nothing
        where the recorded environment is a registered System with a task, or where it is a machine, whose log holds no
        rewards.
    """
    provenance = dataset.provenance
    if provenance.policy == LOG:
        return {}
    system = system_of(provenance.env_id)
    known = provenance.task_source or (system is not None and system.task is not None)
    if known and provenance.task_source != {}:  # empty where a task of the user's own was recorded
        return {}
    recorded = dataset.transitions()
    action = np.asarray(coordinates.control_vector(recorded.action), np.float64)
    force = np.asarray(coordinates.force(action)) if coordinates.controls else action[..., :0]
    steps = Steps(recorded.observation, force, recorded.next_observation, recorded.reward, recorded.terminated)
    episode = np.concatenate([np.full(episode.num_steps, i) for i, episode in enumerate(dataset)])
    held_out = episode % 5 == 4 if dataset.num_episodes >= 5 else np.arange(len(steps)) >= 0.8 * len(steps)
    if held_out.all() or not held_out.any():  # a single step
        return {}
    heads, figures = fit_task_heads(steps, held_out=held_out, seed=seed)
    names = provenance.observation_names or tuple(f"o{i}" for i in range(recorded.observation.shape[1]))
    words = [heads.reward.in_words(names, force.shape[1]), heads.termination.in_words(names), figures.in_words()]
    return {"task": {**heads.to_json(), "figures": figures.to_json(), "words": words}}
