"""The project around the package, as a newcomer clones, installs and imports it."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hnn_gym

ROOT = Path(__file__).parents[1]
MEBIBYTE = 2**20


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["envs", "agents"])
def test_the_top_level_folder_is_a_relative_link_into_the_package(name):
    link = ROOT / name
    assert link.is_symlink()
    assert os.readlink(link) == f"hnn_gym/{name}"
    assert (link / "__init__.py").is_file()


def test_the_constraints_pin_one_torch():
    assert re.findall(r"^torch\b.*", read("constraints.txt"), re.MULTILINE) == ["torch==2.13.0"]


def test_the_constraints_name_only_what_the_project_depends_on():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    requirements = sum(project["optional-dependencies"].values(), project["dependencies"])
    name = re.compile(r"^[a-z0-9-]+", re.MULTILINE)
    constrained = set(name.findall(read("constraints.txt")))
    assert constrained <= {name.match(requirement)[0] for requirement in requirements}


def test_the_readme_starts_with_two_commands_of_one_line_each():
    blocks = re.findall(r"^```bash\n(.*?)^```$", read("README.md"), re.MULTILINE | re.DOTALL)
    quickstart, tests = (block.splitlines() for block in blocks[:2])
    assert len(quickstart) == len(tests) == 1
    assert quickstart[0].endswith("-m hnn_gym")
    assert "-m pytest" in tests[0]
    assert all("-c constraints.txt" in line for line in quickstart + tests)


def test_the_installed_version_is_the_one_in_pyproject_and_in_the_package():
    declared = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert hnn_gym.__version__ == declared
    assert f"## [{declared}]" in read("CHANGELOG.md")
    assert importlib.metadata.version("hnn-gym") == declared


@pytest.mark.skipif(
    not shutil.which("git") or not (ROOT / ".git").exists(), reason="only a clone knows what is tracked"
)
def test_no_tracked_file_is_over_one_mebibyte():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert tracked
    assert [str(path) for path in tracked if path.is_file() and path.stat().st_size > MEBIBYTE] == []


def test_importing_the_package_sets_no_thread_count_or_seed_and_loads_no_plotting_window_or_agent_library():
    program = """
import json, os, sys, torch
def settings():
    variables = {name: value for name, value in os.environ.items() if "THREADS" in name}
    return torch.get_num_threads(), torch.get_num_interop_threads(), torch.initial_seed(), variables
torch.set_num_threads(2)
before = settings()
import hnn_gym
loaded = sorted({"matplotlib", "stable_baselines3", "pygame"} & set(sys.modules))
print(json.dumps([before == settings(), loaded]))
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == [True, []]


def test_the_checks_of_contributors_are_those_of_ci():
    ci = read(".ci/run")
    blocks = re.findall(r"^```bash\n(.*?)^```$", read("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL)
    checks = [line for line in blocks[1].splitlines() if "pytest" not in line]
    assert len(checks) == 4
    assert all(check in ci for check in checks)
    hooks = re.findall(r"entry: (.*)$", read(".pre-commit-config.yaml"), re.MULTILINE)
    assert [f".venv/bin/{hook}" for hook in hooks] == checks
    assert blocks[2].strip().removesuffix(" build/site") in ci


def test_the_citation_names_the_version():
    assert re.search(r"^version: (.*)$", read("CITATION.cff"), re.MULTILINE)[1] == hnn_gym.__version__


def test_the_links_of_contributors_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)", read("CONTRIBUTING.md")):
        assert (ROOT / link).exists(), link
