"""Traced code computes what the function itself computes, for one state and for many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hnn_gym.physics.phase import Array, namespace, split
from hnn_gym.trace import NotTraceable, batch_code, scalar_code, trace

RNG = np.random.default_rng(0)
W0, B0, W1 = RNG.normal(size=(16, 3)), RNG.normal(size=16), RNG.normal(size=(2, 16))
W2 = RNG.normal(size=(12, 16))


def _features(x: Array) -> Array:
    xp = namespace(x)
    return xp.stack([xp.cos(x[..., 0]), xp.sin(x[..., 1]), x[..., 2]], axis=-1)


def _network(x: Array) -> Array:
    xp = namespace(x)
    return xp.tanh(_features(x) @ W0.T + B0) @ W1.T


def _gradient(x: Array) -> Array:
    xp = namespace(x)
    h = xp.tanh(_features(x) @ W0.T + B0)
    g = xp.ones_like(x[..., :1]) @ W1[:1]
    return (g - g * h * h) @ W0


def _deep_gradient(x: Array) -> Array:
    xp = namespace(x)
    h0 = xp.tanh(_features(x) @ W0.T + B0)
    h1 = xp.tanh(h0 @ W2.T + 0.5)
    g = xp.ones_like(x[..., :1]) @ W2[:1, :12]
    g = (g - g * h1 * h1) @ W2
    return (g - g * h0 * h0) @ W0


def _pairs(x: Array) -> Array:
    xp = namespace(x)
    separation = x[..., None, :] - x[..., :, None]
    distance = (separation * separation + xp.eye(3)) ** 0.5
    pull = separation / distance**1.5
    return pull.sum(-1)


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "arithmetic": lambda x: (2 * x - x / 3 + 1 / (x * x + 1)) ** 2 - (-x),
    "an angle brought to one turn": lambda x: (7 * x + np.pi) % (2 * np.pi) - np.pi,
    "remainder": lambda x: (x + np.pi) % (2 * np.pi) - np.pi,
    "functions": lambda x: namespace(x).exp(-x * x) + namespace(x).sqrt(abs(x)) + namespace(x).log(1 + x * x),
    "clip and choose": lambda x: namespace(x).where(x > 0.2, x.clip(-0.5, 0.5), 2 * x),
    "logic": lambda x: ((x > 0) & ~(x > 1)) | (x < -1),
    "count": lambda x: (x > 0).sum(-1) > 1,
    "extremes": lambda x: namespace(x).max(x, axis=-1) - namespace(x).min(x, axis=-1),
    "powers": lambda x: abs(x) ** 1.5 + x**3,
    "a constant": lambda x: namespace(x).zeros_like(x),
    "split and join": lambda x: namespace(x).concat([x[..., 1:], x[..., :1]], axis=-1),
    "a small matrix": lambda x: x @ np.diag([1.0, 0.0, -2.0]),
    "a network": _network,
    "its gradient": _gradient,
    "a gradient through two layers": _deep_gradient,
    "a layer taken apart": lambda x: namespace(x).tanh(x @ W0.T)[..., 3:5] * x[..., :1],
    "pairs": _pairs,
    "equality": lambda x: (x.clip(-0.5, 0.5) == x) | (x + 2.0 == 2.0 + x),
    "equality with a constant": lambda x: x.clip(0.0, 0.5) == 0.5,
    "NumPy's own functions": lambda x: np.where(x > 0, np.cos(x), np.minimum(np.abs(x), np.square(x)) - 1.0),
    "NumPy's own functions of arrays": lambda x: np.sum(np.stack([np.clip(x, -1, 1), 2.0 * x], axis=-1), axis=-1),
    "the angle of a layer's entries": lambda x: np.arctan2(np.tanh(x @ W0.T), 0.5)[..., 3:6],
    "a comparison of a layer's entries": lambda x: namespace(x).where((x @ W0.T > 0.3)[..., :3], x, -x),
}


def _traced(function: Callable[[Array], Array]) -> Any:
    return trace(lambda x: {"y": function(x)}, x=3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_for_one_state_it_gives_the_same_numbers(name: str) -> None:
    run = scalar_code.compiled(_traced(FUNCTIONS[name]), {})
    for x in np.random.default_rng(1).normal(size=(20, 3)):
        (value,) = run(x.tolist())
        expected = np.asarray(FUNCTIONS[name](x), float)
        np.testing.assert_allclose(np.asarray(value, float), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_for_many_states_it_gives_the_same_numbers(name: str, dtype: Any) -> None:
    x = np.random.default_rng(2).normal(size=(37, 3))
    expected = FUNCTIONS[name](x)
    value = np.empty(expected.shape, expected.dtype if expected.dtype == bool else dtype)
    run = batch_code.compiled(_traced(FUNCTIONS[name]), 37, dtype)
    tolerance = {"rtol": 1e-11, "atol": 1e-13} if dtype == np.float64 else {"rtol": 2e-4, "atol": 2e-5}
    for _ in range(2):  # buffers are used again in the second call
        run(x.astype(dtype), value)
        np.testing.assert_allclose(np.asarray(value, float), np.asarray(expected, float), **tolerance)


def test_an_angle_at_either_end_of_its_interval_is_brought_to_the_same_end_in_every_form() -> None:
    def wrapped(x: Array) -> Array:
        return (x + np.pi) % (2 * np.pi) - np.pi

    x = np.array([[np.pi, -np.pi, 3 * np.pi], [0.0, 1.0, -5 * np.pi]])
    program = _traced(wrapped)
    many = np.empty_like(x)
    batch_code.compiled(program, 2, np.float64)(x, many)
    np.testing.assert_allclose(many, wrapped(x), atol=1e-14)
    for row in x:
        (one,) = scalar_code.compiled(program, {})(row.tolist())
        np.testing.assert_allclose(one, wrapped(row), atol=1e-14)


def test_the_next_step_does_not_repeat_what_the_previous_step_has_computed() -> None:
    def leapfrog(x: Array) -> dict[str, Array]:
        q, p = split(x)
        p = p - 0.05 * namespace(q).sin(q)
        q = q + 0.1 * p
        p = p - 0.05 * namespace(q).sin(q)
        return {"x": namespace(q).concat([q, p], axis=-1)}

    program = trace(leapfrog, x=2)
    reusing = program.reusing("x")
    assert sum(node.op == "sin" for node in program.nodes) == 2
    assert sum(node.op == "sin" for node in reusing.nodes) == 1
    x, after = np.array([[0.3, 1.0]]), np.empty((1, 2))
    given, following = batch_code.allocate(reusing.given, 1, float), batch_code.allocate(reusing.given, 1, float)
    batch_code.compiled(replace(program.select_outputs([]), next=reusing.given), 1, float)(x, *given)
    run = batch_code.compiled(reusing, 1, float)
    for _ in range(5):
        run(x, *given, *following, after)
        expected = leapfrog(x)["x"]
        np.testing.assert_allclose(after, expected, rtol=1e-14)
        x, given, following = expected, following, given


def test_cosine_and_sine_of_one_angle_are_right_everywhere_on_the_circle() -> None:
    angle = np.concatenate(
        [np.linspace(-20, 20, 5001), np.pi * np.arange(-8, 9) / 2, [1e-300, -0.0, 1e5, -1e8, np.nextafter(np.pi, 4)]]
    )
    program = trace(lambda x: {"y": namespace(x).concat([namespace(x).cos(x), namespace(x).sin(x)], axis=-1)}, x=1)
    circle = np.empty((len(angle), 2))
    batch_code.compiled(program, len(angle), float)(angle[:, None], circle)
    # Four units in the last place of the tangent, and the rounding of the formulas after it.
    np.testing.assert_allclose(circle, np.stack([np.cos(angle), np.sin(angle)], -1), rtol=0, atol=2e-15)
    np.testing.assert_allclose((circle**2).sum(-1), 1.0, rtol=0, atol=1e-15)


def test_a_program_splits_into_what_needs_the_action_and_what_follows_from_the_state_alone() -> None:
    def step(x: Array, u: Array) -> dict[str, Array]:
        q, p = split(x)
        p = p + 0.1 * (u - namespace(q).sin(q))
        q = q + 0.1 * p
        reward = namespace(x).cos(x[..., 0]) * u[..., 0] + x[..., 1] ** 2
        return {"x": namespace(q).concat([q, p], axis=-1), "reward": reward, "height": namespace(x).cos(x[..., 0])}

    program = trace(step, x=2, u=1)
    move, after = program.split_at("x", ["height"])
    assert {node.op for node in move.nodes} == {"input", "add", "sub", "mul"}
    assert sorted(node.op for node in move.given) == ["cos", "mul", "sin"]
    assert list(after.outputs) == ["height"]
    rng = np.random.default_rng(0)
    x, given = rng.normal(size=(5, 2)), batch_code.allocate(move.given, 5, float)
    run, look = batch_code.compiled(move, 5, float), batch_code.compiled(after, 5, float)
    new, reward, height = np.empty((5, 2)), np.empty(5), np.empty(5)
    for k in range(4):
        if k == 2:
            x = rng.normal(size=(5, 2))  # other states in their place
        look(x, None, *given, height)
        u = rng.normal(size=(5, 1))
        run(x, u, *given, new, reward)
        expected = step(x, u)
        np.testing.assert_allclose(new, expected["x"], rtol=1e-14)
        np.testing.assert_allclose(reward, expected["reward"], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(height, expected["height"], rtol=1e-14, atol=1e-15)
        x = new.copy()


def test_an_angle_is_wrapped_to_the_same_turn_as_by_a_remainder() -> None:
    def wrapped(x: Array) -> Array:
        return (x + np.pi) % (2 * np.pi) - np.pi

    program = trace(lambda x: {"y": wrapped(x)}, x=1)
    assert sorted(node.op for node in program.nodes) == ["input", "wrap"]
    angle = np.concatenate([np.linspace(-30, 30, 4001), 2 * np.pi * np.arange(-3, 4), [0.0, -0.0, 1e6]])
    result = np.empty((len(angle), 1))
    batch_code.compiled(program, len(angle), float)(angle[:, None], result)
    # The rounding of an angle of so many turns.
    np.testing.assert_allclose(result[:, 0], wrapped(angle), rtol=0, atol=4e-16 * np.abs(angle).max())
    at_the_end = np.array([[np.pi], [-np.pi]])
    batch_code.compiled(program, 2, float)(at_the_end, result[:2])
    np.testing.assert_allclose(result[:2], wrapped(at_the_end), rtol=1e-15)  # -pi at both ends of the interval
    assert [scalar_code.compiled(program, {})([angle])[0][0] for angle in at_the_end[:, 0]] == [-np.pi, -np.pi]
    assert scalar_code.compiled(program, {})([4.0])[0][0] == wrapped(4.0)


def test_the_second_branch_of_a_where_may_be_an_output_too() -> None:
    def function(x: Array) -> dict[str, Array]:
        other = 3 * x[..., 0]
        return {"y": namespace(x).where(x[..., 1] > 0, x[..., 2], other), "other": other}

    x, y, other = np.random.default_rng(0).normal(size=(9, 3)), np.empty(9), np.empty(9, np.float32)
    batch_code.compiled(trace(function, x=3), 9, float, {"other": np.float32})(x, y, other)
    np.testing.assert_array_equal(y, function(x)["y"])
    np.testing.assert_array_equal(other, function(x)["other"].astype(np.float32))


def test_a_where_between_two_equal_values_is_left_out() -> None:
    def limited(x: Array) -> Array:
        clipped = x.clip(-1.0, 1.0)
        return namespace(x).where(clipped != x, 3.0 * clipped + 1.0, 3.0 * x + 1.0)

    def other(x: Array) -> Array:
        clipped = x.clip(-1.0, 1.0)
        return namespace(x).where(clipped != x, 3.0 * clipped + 1.0, 3.0 * x + 2.0)

    assert "where" not in {node.op for node in _traced(limited).nodes}
    assert "where" in {node.op for node in _traced(other).nodes}
    x = np.array([[0.5, 2.0, -3.0]])
    for function in (limited, other):
        result = np.empty((1, 3))
        batch_code.compiled(_traced(function), 1, float)(x, result)
        np.testing.assert_array_equal(result, function(x))


@pytest.mark.parametrize("factor", [2.5, np.array([2.0, -1.0, 0.5])], ids=["a number", "one for every entry"])
def test_a_constant_factor_of_a_networks_gradient_goes_into_its_matrix(factor: Any) -> None:
    program = _traced(lambda x: factor * _gradient(x))
    assert "mul" not in {node.op for node in program.nodes if not node.shape}
    x, result = np.random.default_rng(0).normal(size=(4, 3)), np.empty((4, 3))
    batch_code.compiled(program, 4, float)(x, result)
    np.testing.assert_allclose(result, factor * _gradient(x), rtol=1e-12)


def test_a_layer_given_by_the_step_before_gets_its_bias_too() -> None:
    def slopes(x: Array) -> Array:
        h = namespace(x).tanh(x @ W0.T + B0)
        return 1 - h * h

    def step(x: Array) -> dict[str, Array]:
        after = x - 0.1 * (slopes(x) @ W0)
        return {"x": after, "seen": slopes(after) @ W0[::-1]}

    program = trace(step, x=3).reusing("x")
    assert [bool(node.shape) for node in program.given] == [True]
    x = np.random.default_rng(0).normal(size=(7, 3))
    given, following = batch_code.allocate(program.given, 7, float), batch_code.allocate(program.given, 7, float)
    batch_code.compiled(replace(program.select_outputs([]), given=(), next=program.given), 7, float)(x, *given)
    run, after, seen = batch_code.compiled(program, 7, float), np.empty((7, 3)), np.empty((7, 3))
    for _ in range(3):
        run(x, *given, *following, after, seen)
        expected = step(x)
        np.testing.assert_allclose(after, expected["x"], rtol=1e-13)
        np.testing.assert_allclose(seen, expected["seen"], rtol=1e-12)
        x, given, following = after.copy(), following, given


def test_equal_expressions_are_computed_once() -> None:
    program = trace(lambda x: {"y": namespace(x).sin(x[..., :1] * 2) + namespace(x).sin(2 * x[..., :1])}, x=1)
    assert sorted(node.op for node in program.nodes) == ["add", "input", "mul", "sin"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x if x[0] > 0 else -x,
        lambda x: x * float(x[0]),
        lambda x: x + np.asarray(x),
        lambda x: namespace(x).sort(x),
        lambda x: sum((x[i % 3] * (i + 0.5) for i in range(10_000)), 0.0 * x),
    ],
    ids=["a branch", "a value", "a copy to NumPy", "an unknown function", "too long"],
)
def test_a_function_that_cannot_be_traced_is_refused(function: Any) -> None:
    with pytest.raises(NotTraceable):
        _traced(function)
