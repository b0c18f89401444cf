"""A small network for an entry that is a function of the state, but none that the library has."""

from __future__ import annotations

import numpy as np

from hnn_gym.coordinates import LearnedReadout, Readout

_UNITS = 24
_ROWS = 2000
_ITERATIONS = 1500
_DECAY = 1e-7
_SHARE_TIME, _FEWEST = 4, 100
"""More entries than so many share the iterations of these, down to a fewest number."""


def learned_function(
    entry: int,
    values: np.ndarray,
    q: np.ndarray,
    v: np.ndarray,
    *,
    waves: tuple[bool, ...],
    linear: tuple[bool, ...],
    among: int = 1,
) -> tuple[LearnedReadout, float]:
    """Fit a network, and return it with the median error on rows kept aside as a share of the median deviation.

    Args:
        entry: number of the observation entry.
        values: what was observed ``(N,)``.
        q: positions ``(N, n)``.
        v: velocities ``(N, n)``.
        waves: degrees of freedom whose cosine and sine are inputs.
        linear: degrees of freedom whose position itself is an input.
        among: how many entries are fitted, which share the time for some.
    """
    rows = np.random.default_rng(0).permutation(len(values))[:_ROWS]
    terms = [term for i, here in enumerate(waves) if here for term in (f"cos(q{i})", f"sin(q{i})")]
    terms += [f"q{i}" for i, here in enumerate(linear) if here]
    terms += [f"v{i}" for i in range(v.shape[1]) if np.any(v[:, i] != 0)]
    inputs = np.concatenate([Readout(entry, ((term, 1.0),))(q[rows], v[rows]) for term in terms], axis=1)
    target = values[rows]
    mean, size = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-12)
    level, spread = float(target.mean()), max(float(target.std()), 1e-300)
    x, y = (inputs - mean) / size, (target - level) / spread
    used = 3 * len(x) // 4
    W, b, w, c = _fit(x[:used], y[:used], iterations=max(_ITERATIONS * _SHARE_TIME // max(among, _SHARE_TIME), _FEWEST))
    error = np.tanh(x[used:] @ W + b) @ w + c - y[used:]
    usual = float(np.median(np.abs(y[used:] - np.median(y[used:]))))
    # An entry that is nearly always the same, such as a flag, has no usual deviation.
    share = float(
        np.median(np.abs(error)) / usual if usual > 0 else np.sqrt(np.mean(error**2)) / max(y[used:].std(), 1.0)
    )
    hidden, bias = W / size[:, None], b - (mean / size) @ W
    readout = LearnedReadout(
        entry,
        tuple(terms),
        tuple(tuple(row) for row in hidden.tolist()),
        tuple(bias.tolist()),
        tuple((spread * w).tolist()),
        spread * c + level,
    )
    return readout, share


def _fit(x: np.ndarray, y: np.ndarray, *, iterations: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Weights of c + w tanh(b + x W) with the smallest mean square error and a little decay, by L-BFGS."""
    from scipy.optimize import minimize  # which takes long to import, and is rarely needed

    k = x.shape[1]
    rng = np.random.default_rng(0)
    start = [rng.normal(size=k * _UNITS) / np.sqrt(k), rng.normal(size=_UNITS), rng.normal(size=_UNITS) / _UNITS, [0.0]]

    def unpack(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        W, b, w = np.split(weights[:-1], [k * _UNITS, (k + 1) * _UNITS])
        return W.reshape(k, _UNITS), b, w, float(weights[-1])

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        W, b, w, c = unpack(weights)
        h = np.tanh(x @ W + b)
        error = h @ w + c - y
        back = 2 / len(y) * error[:, None] * w * (1 - h * h)
        gradient = [(x.T @ back).ravel(), back.sum(axis=0), 2 / len(y) * h.T @ error, [2 * error.mean()]]
        value = float(np.mean(error**2)) + _DECAY * float(weights @ weights)
        return value, np.concatenate(gradient) + 2 * _DECAY * weights

    options = {"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 0.0, "gtol": 0.0}
    found = minimize(objective, np.concatenate(start), jac=True, method="L-BFGS-B", options=options)
    return unpack(found.x)
