"""Loops whose number of iterations depends on the values, traced and not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hnn_gym.physics.phase import Array, epsilon, namespace
from hnn_gym.trace import batch_code, checked, iterate, repeat, scalar_code, trace

RNG = np.random.default_rng(0)
W0, B0, W1 = RNG.normal(size=(16, 2)), RNG.normal(size=16), 0.02 * RNG.normal(size=(2, 16))


class NotCloseError(Exception):
    """Some element did not converge."""


def _fixed_point(x: Array, *, pull: Callable[[Array], Array], most: int = 100) -> Array:
    """Solve y = x + pull(y)."""
    xp = namespace(x)

    def closer(y: Array) -> tuple[Array, Array]:
        new = x + pull(y)
        return new, xp.max(xp.abs(new - y), axis=-1) <= 8 * epsilon(x) * (1 + xp.max(xp.abs(new), axis=-1))

    return checked(*iterate(closer, x, most=most), lambda failed: NotCloseError(failed))


def _newton(x: Array) -> Array:
    """Square roots of 1 + x^2 by Newton's method."""
    xp, a = namespace(x), 1 + x * x

    def closer(y: Array) -> tuple[Array, Array]:
        new = (y + a / y) / 2
        return new, xp.all(xp.abs(new - y) <= 8 * epsilon(x) * new, axis=-1)

    return iterate(closer, 1 + abs(x), most=100)[0]


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "arithmetic": lambda x: _fixed_point(x, pull=lambda y: 0.3 * namespace(y).cos(y)),
    "a network in the loop": lambda x: _fixed_point(x, pull=lambda y: namespace(y).tanh(y @ W0.T + B0) @ W1.T),
    "a network before the loop": lambda x: _fixed_point(
        x, pull=lambda y: (namespace(y).tanh(x @ W0.T + B0) * 0.5) @ W1.T + 0.1 * y
    ),
    "a layer read in the loop": lambda x: _fixed_point(
        x, pull=lambda y: (namespace(y).tanh(x @ W0.T) * namespace(y).tanh(y @ W0.T)) @ W1.T
    ),
    "a loop in a loop": lambda x: _fixed_point(
        x, pull=lambda y: 0.1 * _fixed_point(y, pull=lambda z: 0.1 * namespace(z).sin(x * z + y))
    ),
    "a loop done three times": lambda x: repeat(
        lambda z: _fixed_point(z, pull=lambda y: 0.3 * namespace(y).cos(y + z)), x, times=3
    ),
    "two loops": lambda x: _newton(_newton(x)),
    "swapped variables": lambda x: iterate(lambda y: (y[..., ::-1], y[..., 0] > 2.0), x, most=3)[0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_traced_loop_gives_the_same_numbers_for_one_state(name: str) -> None:
    run = scalar_code.compiled(trace(lambda x: {"y": FUNCTIONS[name](x)}, x=2), {})
    for x in np.random.default_rng(1).normal(size=(20, 2)):
        np.testing.assert_allclose(run(x.tolist())[0], FUNCTIONS[name](x), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_traced_loop_gives_the_same_numbers_for_many_states(name: str, dtype: Any) -> None:
    x, y = np.random.default_rng(2).normal(size=(37, 2)), np.empty((37, 2), dtype)
    run = batch_code.compiled(trace(lambda x: {"y": FUNCTIONS[name](x)}, x=2), 37, dtype)
    for _ in range(2):  # buffers are used again in the second call
        run(x.astype(dtype), y)
        np.testing.assert_allclose(y, FUNCTIONS[name](x), rtol=1e-12 if dtype == np.float64 else 1e-5, atol=1e-6)


def test_a_loop_ends_at_the_precision_of_the_type_it_is_computed_in() -> None:
    def count(x: Array) -> Array:
        def closer(y: Array) -> tuple[Array, Array]:
            new = namespace(y).stack([x[..., 0] + 0.5 * y[..., 0], y[..., 1] + 1.0], axis=-1)
            return new, abs(new[..., 0] - y[..., 0]) <= 8 * epsilon(x) * abs(new[..., 0])

        return iterate(closer, x, most=100)[0]

    program, x = trace(lambda x: {"y": count(x)}, x=2), np.array([[1.0, 0.0]])
    counted = {}
    for dtype in (np.float64, np.float32):
        y = np.empty((1, 2), dtype)
        batch_code.compiled(program, 1, dtype)(x.astype(dtype), y)
        counted[dtype] = y[0, 1]
    # Iteration n + 1 adds 2^-n to a number of nearly 2, and is the last where that is at most 8 epsilon 2 = 2^(4 - 52).
    assert counted[np.float64] == count(x)[0, 1] == 49
    assert counted[np.float32] == count(x.astype(np.float32))[0, 1] == 20


def test_an_element_that_does_not_converge_becomes_nan_alone_and_untraced_it_raises() -> None:
    def function(x: Array) -> Array:
        return _fixed_point(x, pull=lambda y: x * y, most=60)  # converges where abs(x) is well below 1

    program = trace(lambda x: {"y": function(x)}, x=1)
    x, y = np.array([[0.1], [1.5], [-0.3], [-1.0]]), np.empty((4, 1))
    batch_code.compiled(program, 4, float)(x, y)
    assert np.isnan(y[:, 0]).tolist() == [False, True, False, True]
    np.testing.assert_allclose(y[[0, 2]], x[[0, 2]] / (1 - x[[0, 2]]), rtol=1e-14)
    assert np.isnan(scalar_code.compiled(program, {})([1.5])[0]).all()
    with pytest.raises(NotCloseError) as raised:
        function(x)
    assert raised.value.args[0].tolist() == [False, True, False, True]


def test_values_that_do_not_change_between_iterations_are_computed_before_the_loop() -> None:
    program = trace(
        lambda x: {"y": _fixed_point(x, pull=lambda y: 0.1 * namespace(x).cos(x) * namespace(y).sin(y))}, x=2
    )
    (loop,) = (node for node in program.nodes if node.op == "loop")
    assert sum(node.op == "cos" for node in program.nodes) == 2
    assert {node.op for node in loop.args[2].nodes} >= {"sin", "abs"}
    assert "cos" not in {node.op for node in loop.args[2].nodes}
    assert program.loops


def test_a_step_with_a_loop_passes_values_on_to_the_next_step() -> None:
    def step(x: Array) -> dict[str, Array]:
        after = _fixed_point(x, pull=lambda y: 0.1 * namespace(y).cos(x) * y)
        return {"x": after, "seen": namespace(after).cos(after)}

    program = trace(step, x=2).reusing("x")
    assert "cos" in {node.op for node in program.given}
    x, after, seen = np.random.default_rng(0).normal(size=(5, 2)), np.empty((5, 2)), np.empty((5, 2))
    given, following = (batch_code.allocate(program.given, 5, float) for _ in range(2))
    batch_code.compiled(replace(program.select_outputs([]), given=(), next=program.given), 5, float)(x, *given)
    run = batch_code.compiled(program, 5, float)
    for _ in range(3):
        run(x, *given, *following, after, seen)
        np.testing.assert_allclose(after, step(x)["x"], rtol=1e-14)
        np.testing.assert_allclose(seen, np.cos(after), atol=2e-15)
        x, given, following = after.copy(), following, given
