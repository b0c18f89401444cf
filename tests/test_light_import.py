"""Importing the package loads only what is used, and its physics runs without torch and Gymnasium."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks.import_time
import hnn_gym
from hnn_gym import physics

ROOT = Path(__file__).parents[1]
HEAVY = {"gymnasium", "torch", "stable_baselines3", "scipy", "zarr", "pygame", "matplotlib", "rich", "tyro", "imageio"}
PHYSICS = [f"hnn_gym.physics.{module.name}" for module in pkgutil.iter_modules(physics.__path__)]


def output_of(program: str) -> str:
    ran = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def lazy_packages() -> list[str]:
    packages = ["hnn_gym"]
    for found in pkgutil.walk_packages(hnn_gym.__path__, "hnn_gym."):
        source = Path(found.module_finder.path, found.name.rpartition(".")[2], "__init__.py")  # type: ignore[union-attr]
        if found.ispkg and "lazy_exports(__name__)" in source.read_text():
            packages.append(found.name)
    return packages


@pytest.mark.parametrize("module", ["hnn_gym", *PHYSICS])
def test_importing_loads_no_heavy_package(module: str) -> None:
    allowed = {"scipy"} if module == "hnn_gym.physics.reference" else set()  # its oracle is SciPy's
    loaded = output_of(f"import sys, {module}; print(*{HEAVY - allowed!r} & set(sys.modules))")
    assert loaded == ""


def test_the_physics_runs_where_torch_and_gymnasium_are_not_installed() -> None:
    printed = output_of("""
import importlib, pkgutil, sys
sys.modules["torch"] = sys.modules["gymnasium"] = None  # as if they were not installed
import numpy as np
import hnn_gym.physics
for part in pkgutil.walk_packages(hnn_gym.physics.__path__, "hnn_gym.physics."):
    importlib.import_module(part.name)
from hnn_gym.physics import Pendulum, PortHamiltonian, Yoshida4, integrate
pendulum = Pendulum()
path = integrate(PortHamiltonian(pendulum), np.array([1.0, 0.0]), integrator=Yoshida4(), dt=0.05, steps=100)
print(abs(np.ptp(pendulum.energy(path))) < 1e-4)
""")
    assert printed == "True"


@pytest.mark.parametrize(
    "program",
    [
        "import hnn_gym; import gymnasium; env = gymnasium.make('HNNPendulum-v0')",
        "import gymnasium; import hnn_gym; env = gymnasium.make('HNNPendulum-v0')",
        "import gymnasium; env = gymnasium.make('hnn_gym:HNNPendulum-v0')",
        "import hnn_gym.physics; import gymnasium; env = gymnasium.make('HNNPendulum-v0')",
        "import hnn_gym.systems.task; import gymnasium; env = gymnasium.make('HNNPendulum-v0')",
        "from hnn_gym.envs.single import SimulatorEnv; import gymnasium; env = gymnasium.make('HNNPendulum-v0')",
        "import hnn_gym, gymnasium.spaces; env = gymnasium.make('HNNPendulum-v0')",
    ],
)
def test_an_environment_is_registered_in_whatever_order_things_are_imported(program: str) -> None:
    assert output_of(f"{program}; print(type(env.unwrapped).__name__)") == "SimulatorEnv"


def test_an_action_that_waits_for_a_module_runs_once_and_after_it() -> None:
    printed = output_of("""
import sys
from hnn_gym.lazy import when_imported
when_imported("wave", lambda: print("Wave_read" in vars(sys.modules["wave"])))
import wave
import wave
when_imported("wave", lambda: print("now"))
print(len([finder for finder in sys.meta_path if "Waiting" in type(finder).__name__]))
""")
    assert printed.split() == ["True", "now", "1"]  # one still waits for Gymnasium


@pytest.mark.parametrize("name", lazy_packages())
def test_every_export_of_a_package_loads_and_is_listed(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__
    for export in package.__all__:
        assert getattr(package, export) is not None
        assert export in dir(package)
    imported = [
        alias.name
        for block in ast.parse(Path(str(package.__file__)).read_text()).body
        if isinstance(block, ast.If)
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    ]
    assert sorted(imported) == sorted(package.__all__)


@pytest.mark.parametrize("name", lazy_packages())
def test_no_export_has_the_name_of_a_module_beside_it(name: str) -> None:
    package = importlib.import_module(name)
    assert not set(package.__all__) & {module.name for module in pkgutil.iter_modules(package.__path__)}


def test_a_name_that_a_package_does_not_have_is_an_attribute_error_that_names_both() -> None:
    with pytest.raises(AttributeError, match=r"module 'hnn_gym.agents' has no attribute 'Mpc'"):
        _ = hnn_gym.agents.Mpc
    with pytest.raises(ImportError, match="Mpc"):
        importlib.import_module("hnn_gym.agents.Mpc")


def test_the_benchmark_compares_with_gymnasiums_own_import() -> None:
    seconds = benchmarks.import_time.measure(1, ("gymnasium", "hnn_gym"))
    assert seconds["hnn_gym over gymnasium"] == pytest.approx(seconds["hnn_gym"] - seconds["gymnasium"], abs=2e-3)
