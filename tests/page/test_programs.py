"""The traced step as JavaScript and as C: the same numbers as Python's."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import hnn_gym
from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.envs.build import build_simulator
from hnn_gym.models import MechanicalHNN, Variables
from hnn_gym.models.pixel import SpriteCodec
from hnn_gym.page.description import largest_forces
from hnn_gym.page.frames import frame_data
from hnn_gym.page.programs import world_programs
from hnn_gym.physics.integrators import ImplicitMidpoint, RungeKutta4
from hnn_gym.trace import Program, c_code, javascript_code, scalar_code, trace
from hnn_gym.worlds.world_model import WorldModel

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js to run JavaScript")
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc to compile C")

CHAOTIC = ("HNNInvertedDoublePendulum-v0", "BaselineInvertedDoublePendulum-v0", "BaselinePixelPendulum-v0")
CHAOTIC_WHERE_PUSHED = (
    *CHAOTIC,
    "HNNPendulum-v0",
    "BaselinePendulum-v0",
    "HNNPixelPendulum-v0",
    "HNNCartPole-v0",
    "HNNRealDoublePendulum-v0",
)
"""Motions in which the last bit grows to any size, because they pass an upright pole again and again: they are compared
over 100 steps."""
TOLERANCE = 1e-9
"""Of numbers of order 1 after 1,000 steps: a difference in the last bit grows a million times along them."""


def in_node(programs: dict[str, Program], code: str) -> object:
    """Run code that uses the object ``w`` of programs; the value of its last expression, through JSON."""
    script = f"const w = {javascript_code.source(programs)};\nconsole.log(JSON.stringify((() => {{ {code} }})()));"
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def start_and_forces(name: str, steps: int) -> tuple[WorldModel, np.ndarray, np.ndarray]:
    simulator = build_simulator(name)
    rng = np.random.default_rng(0)
    q, v = simulator.task.initial(rng, {})
    largest = np.array(largest_forces(simulator))
    return simulator.world, simulator.world.phase_point(q, v), rng.uniform(-1, 1, (steps, len(largest))) * largest


def after(world: WorldModel, x: np.ndarray, forces: np.ndarray) -> list[float]:
    """The phase point after steps under these forces, by the compiled step that environments run."""
    step = scalar_code.compiled(world_programs(world)["step"], {})
    for force in forces.tolist():
        (x,) = step(x.tolist(), force)
    return x.tolist()


@needs_node
def test_1000_steps_energy_bump_and_step_back_in_javascript_are_those_of_python(shipped_world: str) -> None:
    world, x, forces = start_and_forces(shipped_world, 1000)
    free, pushed = (0 * forces, forces)
    steps = {"free": free[: 100 if shipped_world in CHAOTIC else None]}
    steps["pushed"] = pushed[: 100 if shipped_world in CHAOTIC_WHERE_PUSHED else None]
    programs = world_programs(world)
    code = f"""
    const start = {x.tolist()}, u = {forces[0].tolist()};
    const run = (forces) => forces.reduce((x, f) => w.step(x, f).x, start);
    const found = {{ free: run({steps["free"].tolist()}), pushed: run({steps["pushed"].tolist()}) }};
    const {{ q, v }} = w.state(start);
    found.point = w.point(q, v).x;
    if (w.energy) found.energy = w.energy(start).energy;
    if (w.back) found.back = w.back(w.step(start, u).x, u).x;
    if (w.bump) found.realised = w.bump(start, [0.01]).realised;
    if (w.bump) found.rise = w.energy(w.bump(start, [0.01]).x).energy - found.energy;
    return found;"""
    expected = {name: after(world, x, given) for name, given in steps.items()} | {"point": x}
    if world.has_energy:
        expected["energy"] = expected_energy = world.energy(x)
        assert np.isfinite(expected_energy)
        expected["realised"] = expected["rise"] = world.bump(x, 0.01).realised
    if "back" in programs:
        expected["back"] = world.backwards.advance(world.advance(x, forces[0]), forces[0])
    found = in_node(programs, code)
    assert isinstance(found, dict)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        tolerance = TOLERANCE if name in (*steps, "back") else 1e-12
        np.testing.assert_allclose(found[name], value, rtol=0, atol=tolerance, err_msg=name)


def cart_with_pole(scheme: str) -> WorldModel:
    """A world with a mass matrix that depends on the position, with parameters that were drawn at random."""
    coordinates = Coordinates(
        degrees=(DegreeOfFreedom(position=0, velocity=1), DegreeOfFreedom(position=2, velocity=3, angle=True)),
        controls=(Control(degree=0, unit="N"),),
        force_table=((-10.0,), (10.0,)),
    )
    variables = Variables(
        angles=(False, True),
        position_scales=(1.0, 1.0),
        velocity_scales=(1.0, 1.0),
        acceleration_scales=(1.0, 1.0),
        control_degrees=(0,),
        force_scales=(10.0,),
        in_physical_units=True,
    )
    model = MechanicalHNN(variables=variables, mass_matrix="full")
    parameters = model.initial_parameters(np.random.default_rng(0))
    integrator = {"RK4": RungeKutta4(), "ImplicitMidpoint": ImplicitMidpoint()}[scheme]
    return WorldModel.built(model, parameters, coordinates=coordinates, integrator=integrator, dt=0.02)


@needs_node
@pytest.mark.parametrize("scheme", ["RK4", "ImplicitMidpoint"])
def test_a_world_with_a_mass_matrix_steps_in_javascript_as_in_python(scheme: str) -> None:
    world, x = cart_with_pole(scheme), np.array([0.1, 0.2, 0.3, -0.1])
    forces = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    code = f"let x = {x.tolist()}; for (const u of {forces.tolist()}) x = w.step(x, u).x; return x;"
    expected = after(world, x, forces)
    np.testing.assert_allclose(in_node(world_programs(world), code), expected, rtol=0, atol=TOLERANCE)


@needs_node
def test_a_bump_of_a_world_with_a_mass_matrix_is_that_of_python() -> None:
    world, x = cart_with_pole("ImplicitMidpoint"), np.array([0.1, 0.2, 0.3, -0.1])
    given = world.bump(x, 0.01)
    found = in_node(world_programs(world), f"const f = w.bump({x.tolist()}, [0.01]); return [...f.x, f.realised];")
    np.testing.assert_allclose(found, [*given.x, 0.01], rtol=0, atol=1e-9)  # Python searches for it


def operations(x: np.ndarray) -> dict[str, np.ndarray]:
    a, b, c = (x[i] for i in range(3))
    wrapped = (x + np.pi) % (2 * np.pi) - np.pi
    return {
        "values": np.stack([a % 3.0, b % -2.0, np.floor(c), abs(a), a**1.5, np.exp(b), np.atan2(a, c), np.tanh(c)]),
        "wrapped": wrapped,
        "clipped": np.clip(x, -0.5, 0.5),
        "largest": np.max(x),
        "chosen": np.where((a > b) & ~(c < 0.0), a, np.minimum(b, c)),
        "truth": (a > b) | (c >= 0.0),
        "finite": np.isfinite(1 / (a - a + c)),
    }


POINTS = ([0.3, -4.2, 2.5], [7.9, 8.1, -3.0], [2.0, -0.1, 0.2])


@needs_node
def test_a_body_that_slides_is_drawn_in_javascript_as_in_python() -> None:
    knots = 2 * (2 * 4 + 1) + 5
    sprite = 60 * np.exp(-((np.indices((1, knots, knots, 1))[1:3] - knots // 2) ** 2).sum(0) / 20)
    found = SpriteCodec(
        np.full((32, 32, 1), 90, np.uint8), sprite / 255, (0,), radius=4, pixels_per_unit=8.0, residual=0.0, line=0.7
    )
    scripts = (Path(hnn_gym.__file__).parent / "page/static/frames.js").read_text(encoding="utf-8")
    q = [[-1.3], [0.0], [1.93], [2.2]]
    made = f"framesOf({json.dumps({'frames': frame_data(found)})})"
    sheet = "const document = { createElement: () => ({}) };"  # the page draws the frames on a canvas
    script = (
        f"{sheet}\n{scripts}\nconst f = {made};\nconsole.log(JSON.stringify({q}.map((x) => Array.from(f.decoded(x)))));"
    )
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    differences = np.array(json.loads(done.stdout)) - found.decode(np.array(q)).reshape(len(q), -1).astype(int)
    assert np.ptp(found.decode(np.array(q))) > 30
    assert abs(differences).max() <= 1  # values half way between two whole numbers
    assert np.mean(differences != 0) < 0.01


@needs_node
@pytest.mark.parametrize("x", POINTS, ids=str)
def test_every_operation_means_the_same_in_javascript(x: list[float]) -> None:
    found = in_node({"f": trace(operations, x=3)}, f"return w.f({x});")
    for name, value in operations(np.array(x)).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-15, atol=1e-15, err_msg=name)  # type: ignore[index]


@needs_gcc
@pytest.mark.parametrize("name", ["HNNSpring-v0", "HNNRealPendulum-v0", "HNNTwoBody-v0"])
def test_1000_steps_in_c_are_those_of_python(name: str, tmp_path: Path) -> None:
    world, x, forces = start_and_forces(name, 1000)
    n, m = len(x), forces.shape[1]
    main = f"""
#include <stdio.h>
int main(void) {{
  double x[{n}], force[{m}];
  for (int i = 0; i < {n}; i += 1) if (scanf("%lf", x + i) != 1) return 1;
  for (int k = 0; k < 1000; k += 1) {{
    for (int i = 0; i < {m}; i += 1) if (scanf("%lf", force + i) != 1) return 1;
    step(x, force, x);
  }}
  for (int i = 0; i < {n}; i += 1) printf("%.17g ", x[i]);
}}"""
    (tmp_path / "world.c").write_text(c_code.source({"step": world_programs(world)["step"]}) + main)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror", "-O1"]
    subprocess.run(["gcc", *flags, "world.c", "-o", "world", "-lm"], check=True, cwd=tmp_path)
    given = " ".join(map(repr, [*x.tolist(), *forces.ravel().tolist()]))
    printed = subprocess.run([tmp_path / "world"], input=given, capture_output=True, text=True, check=True).stdout
    expected = after(world, x, forces)
    np.testing.assert_allclose([float(word) for word in printed.split()], expected, rtol=0, atol=TOLERANCE)


@needs_gcc
@pytest.mark.parametrize("x", POINTS, ids=str)
def test_every_operation_means_the_same_in_c(x: list[float], tmp_path: Path) -> None:
    program = trace(operations, x=3)
    sizes = {name: max(entries.size, 1) for name, entries in program.outputs.items()}
    arrays = "".join(f"double {name}[{size}]; " for name, size in sizes.items())
    prints = "".join(
        f'for (int i = 0; i < {size}; i += 1) printf("%.17g ", {name}[i]);' for name, size in sizes.items()
    )
    given = ", ".join(map(repr, x))
    call = f"const double x[3] = {{{given}}}; {arrays} f(x, {', '.join(sizes)}); {prints}"
    main = f"#include <stdio.h>\nint main(void) {{ {call} }}"
    (tmp_path / "f.c").write_text(c_code.source({"f": program}) + main)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror"]
    subprocess.run(["gcc", *flags, "f.c", "-o", "f", "-lm"], check=True, cwd=tmp_path)
    printed = subprocess.run([tmp_path / "f"], capture_output=True, text=True, check=True).stdout
    expected = np.concatenate([np.ravel(value).astype(float) for value in operations(np.array(x)).values()])
    np.testing.assert_allclose([float(word) for word in printed.split()], expected, rtol=1e-15, atol=1e-15)
