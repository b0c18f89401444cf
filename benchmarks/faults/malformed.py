"""Malformed files: bytes, JSON values, arrays and metadata changed at random in everything that the package reads.

A file is read in a process of its own in batches, with a limit on memory. What counts as a fault: an error that is not
an InputError, more than 5 s, more than 1 GB, and a file that is read to another result without a complaint. From half
of the JSON files whose values are changed the seal is removed too, as a person does who edits them: these may be read
to another result.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.faults.written import in_shards

_SECONDS, _BYTES = 5, 2**30
_BATCH = 50
_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 10**400, 1e300, -1e-300, "", "x", "nan", [], {}, [[]], {"a": 1}, [1, "x"], [None] * 9,
)  # fmt: skip


def _world(path: Path) -> Any:
    import numpy as np

    from hnn_gym import WorldModel

    found = WorldModel.load(path)
    x = found.phase_point(np.full(found.coordinates.n, 0.5), np.full(found.coordinates.n, 0.25))
    return _plain([found.step(x).tolist(), found.dt])


def _pixel_world(path: Path) -> Any:
    import numpy as np

    from hnn_gym import PixelWorld

    found = PixelWorld.load(path)
    return _plain([found.decode(np.array([0.3, 0.1])).tolist(), found.starts.tolist()])


def _agent(path: Path) -> Any:
    import numpy as np

    from hnn_gym.agents.load import load_agent

    return _plain(load_agent(path).predict(np.array([[1.0, 0.0, 0.5]], np.float32), deterministic=True)[0].tolist())


def _dataset(path: Path) -> Any:
    from hnn_gym import TransitionDataset

    return _content(TransitionDataset.open(path))


def _content(data: Any) -> str:
    episodes = [{name: value.tolist() for name, value in one.arrays().items()} for one in data]
    return _plain([episodes, data.provenance.dt, data.provenance.env_id])


def _shards(path: Path) -> Any:
    return _dataset(path / "data.zarr")


def _parquet(path: Path) -> Any:
    from hnn_gym.data.exchange.parquet_files import read_parquet

    return _content(read_parquet(path / "data.parquet"))


def _minari(path: Path) -> Any:
    from hnn_gym.data.exchange.minari_datasets import read_minari

    os.environ["MINARI_DATASETS_PATH"] = str(path)
    return _content(read_minari("arm/log-v0"))


def _logs(path: Path) -> Any:
    from hnn_gym.data.logs.table import column_names, read_table

    files = [path / name for name in ("log.csv", "log.csv.gz", "log.npz")]
    if (path / "log.parquet").exists():
        files += [path / "log.parquet", path / "robot"]
    tables = [read_table(file, column_names(file)) for file in files]
    return _plain([{name: column.tolist() for name, column in table.columns.items()} for table in tables])


def _films(path: Path) -> Any:
    from hnn_gym import TransitionDataset

    films = ["film.gif", "pictures", *(["film.mp4"] if find_spec("av") else [])]
    return _plain([_content(TransitionDataset.from_films([path / film], dt=0.05)) for film in films])


def _fit(path: Path) -> Any:
    from hnn_gym.training.training_folder import TrainingFolder

    state = TrainingFolder(path).resume({"model": "mechanical"})
    assert state is not None
    return _plain([{name: value.tolist() for name, value in state.parameters.items()}, state.adam_step, state.stage])


def _agent_training(path: Path) -> Any:
    from hnn_gym.agents.shac import ShacSettings, train_shac
    from hnn_gym.envs.build import build_simulator

    tiny = ShacSettings(updates=1, num_envs=2, window=2, critic_steps=1, hidden=(4,), dream=4)
    policy = train_shac(build_simulator("HNNPendulum-v0"), tiny, folder=path)
    return _plain({name: value.tolist() for name, value in policy.parameters.items()})


def _coordinates(path: Path) -> Any:
    from hnn_gym.coordinates import read_coordinates

    return _plain(read_coordinates(path / "coordinates.json").to_json())


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


READERS: dict[str, Callable[[Path], Any]] = {
    "world": _world,
    "world learned from frames": _pixel_world,
    "agent": _agent,
    "agent of stable-baselines3": _agent,
    "dataset": _dataset,
    "dataset in shards": _shards,
    "logs": _logs,
    "films": _films,
    "unfinished fit": _fit,
    "unfinished training of an agent": _agent_training,
    "coordinates": _coordinates,
    **({"Parquet dataset": _parquet} if find_spec("pyarrow") else {}),
    **({"Minari dataset": _minari} if find_spec("minari") and find_spec("h5py") else {}),
}
"""What reads each kind of file; those of a package that is not installed are left out."""


_FOREIGN = {"coordinates", "logs", "films"}
"""Kinds of files that a person edits or that come from elsewhere, and whose values have no hash."""
_UNSEALED = ", without its seal"


def prepare(root: Path) -> None:
    """Write one sound example of each kind, with this release."""
    import numpy as np
    from gymnasium.spaces import Box

    from hnn_gym.agents.sb3 import AgentRecipe, save_agent, train_agent
    from hnn_gym.agents.shac_policy import ShacPolicy
    from hnn_gym.collect import CollectSettings, collect
    from hnn_gym.coordinates import write_coordinates
    from hnn_gym.data.exchange.minari_datasets import write_minari
    from hnn_gym.data.exchange.parquet_files import write_parquet
    from hnn_gym.envs.shipped import resolve_pixel_world, resolve_world
    from hnn_gym.training import FitState
    from hnn_gym.training.training_folder import TrainingFolder

    world, seen = resolve_world("HNNPendulum-v0"), resolve_pixel_world("HNNPixelPendulum-v0")
    assert seen is not None
    world.save(root / "world")
    seen.save(root / "world learned from frames")
    spaces = Box(-np.inf, np.inf, (3,), np.float32), Box(-2, 2, (1,), np.float32)
    ShacPolicy({"policy.w0": np.ones((1, 3)), "scale": np.ones(3)}, *spaces).save(root / "agent")
    recipe = AgentRecipe(2, 8, 1e-3, hidden=(4,), arguments={"n_steps": 4, "batch_size": 8})
    agent = train_agent("HNNPendulum-v0", "ppo", recipe=recipe)
    save_agent(root / "agent of stable-baselines3", agent, algo="ppo", recipe=recipe)
    data = collect(CollectSettings(env="Pendulum-v1", steps=210, out=root / "dataset"))
    in_shards(root / "dataset in shards", seed=0, steps=600)
    _prepare_logs(root / "logs")
    _prepare_films(root / "films")
    if "Parquet dataset" in READERS:
        write_parquet(data, root / "Parquet dataset" / "data.parquet")
    if "Minari dataset" in READERS:
        (root / "Minari dataset").mkdir()
        os.environ["MINARI_DATASETS_PATH"] = str(root / "Minari dataset")
        write_minari(data, "arm/log-v0")
    folder = TrainingFolder(root / "unfinished fit")
    folder.begin(overwrite=False)
    state = FitState({"a": np.ones((2, 3))}, adam_step=3, stage="lbfgs", stage_start={"a": np.zeros((2, 3))})
    folder.keep(state, {"model": "mechanical"})
    _agent_training(root / "unfinished training of an agent")
    (root / "coordinates").mkdir()
    write_coordinates(root / "coordinates" / "coordinates.json", world.coordinates, meaning=["what it means"])


def _prepare_logs(folder: Path) -> None:
    """One log in every format."""
    import numpy as np

    time = np.arange(0, 1, 0.02)
    columns = {"time": time, "q1": np.cos(3 * time), "tau1": np.sin(7 * time)}
    rows = ["time,q1,tau1", *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    folder.mkdir()
    (folder / "log.csv").write_text("\n".join(rows))
    (folder / "log.csv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    np.savez(folder / "log.npz", **columns)
    if "Parquet dataset" in READERS:
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.table(columns), folder / "log.parquet")
        for part in ("meta", "data"):
            (folder / "robot" / part).mkdir(parents=True)
        lists = {"timestamp": time, "observation.state": [[q] for q in columns["q1"]]}
        parquet.write_table(pa.table(lists), folder / "robot" / "data" / "file-000.parquet")
        features = {"observation.state": {"names": ["q1.pos"]}}
        info = {"codebase_version": "v3.0", "features": features}
        (folder / "robot" / "meta" / "info.json").write_text(json.dumps(info))


def _prepare_films(folder: Path) -> None:
    """A bright column that moves, as GIF, as a folder of pictures, and as MP4 where PyAV is installed."""
    import imageio.v3
    import numpy as np

    frames = np.zeros((6, 16, 16, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[:, 2 * number : 2 * number + 4] = 40 * number + 50
    (folder / "pictures").mkdir(parents=True)
    imageio.v3.imwrite(folder / "film.gif", frames, duration=50, loop=0)
    for number, frame in enumerate(frames):
        imageio.v3.imwrite(folder / "pictures" / f"{number}.png", frame)
    if find_spec("av"):
        imageio.v3.imwrite(folder / "film.mp4", frames, plugin="pyav", codec="libx264", fps=20)


def damaged(folder: Path, draw: random.Random) -> str:
    """Damage one file of a folder in a random way; return what was done, in words."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    file = draw.choice(files)
    data = file.read_bytes()
    name = str(file.relative_to(folder))
    kinds = ["cut", "bits", "empty", "removed", "folder", "pipe", "grown", "swapped", "exchanged"]
    if file.suffix == ".json":
        kinds += ["value"] * 12 + ["key", "deep", "digits"]
    kind = draw.choice(kinds)
    match kind:
        case "cut":
            file.write_bytes(data[: draw.randrange(max(1, len(data)))])
        case "bits":
            changed = bytearray(data or b"x")
            for _ in range(draw.choice((1, 1, 4, 64))):
                changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
            file.write_bytes(changed)
        case "empty":
            file.write_bytes(b"")
        case "removed":
            file.unlink()
        case "folder":
            file.unlink()
            file.mkdir()
        case "pipe":
            file.unlink()
            os.mkfifo(file)
        case "grown":
            file.write_bytes(data + bytes(draw.randrange(256) for _ in range(draw.choice((1, 100)))))
        case "swapped":
            file.write_bytes(draw.choice(files).read_bytes())
        case "exchanged":
            inside = file.relative_to(folder).parts
            place = folder.joinpath(*inside[: draw.randrange(1, len(inside) + 1)])
            other = draw.choice(sorted(place.parent.iterdir()))
            place.rename(place.with_name("aside"))
            if other != place:
                other.rename(place)
            place.with_name("aside").rename(other)
            return f"{place.relative_to(folder)} and {other.relative_to(folder)}: {kind}"
        case "deep":
            file.write_text('{"a": ' * 50_000 + "1" + "}" * 50_000)
        case "digits":
            file.write_text(json.dumps(json.loads(data)).replace("1", "1" * 6_000, 1))
        case _:
            content = json.loads(data)
            inner: Any = content
            path: list[Any] = []
            while isinstance(inner, dict | list) and inner and (not path or draw.random() < 0.7):
                keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
                outer, key = inner, draw.choice(keys)
                path.append(key)
                inner = outer[key]
            value = draw.choice(_VALUES)
            if kind == "key" and isinstance(outer, dict):
                outer[str(value)] = outer.pop(key)
            else:
                outer[key] = value
            unsealed = draw.random() < 0.5 and _without_seal(content)
            file.write_text(json.dumps(content))
            return f"{name}: {kind} at {path} is {str(value)[:40]!r}{_UNSEALED if unsealed else ''}"
    return f"{name}: {kind}"


def _without_seal(content: Any) -> bool:
    """Remove the seal of a file's content, wherever it is; return whether there was one."""
    found = False
    for holder in (content, content.get("attributes")) if isinstance(content, dict) else ():
        if isinstance(holder, dict) and "seal" in holder:
            del holder["seal"]
            found = True
    return found


def read_damaged(count: int, *, seed: int) -> dict[str, Any]:
    """Read damaged files; a JSON-ready summary."""
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        sound = root / "sound"
        sound.mkdir()
        child = os.fork()
        if child == 0:
            code = 70
            try:
                prepare(sound)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        for first in range(0, count, _BATCH):
            report = root / "report"
            report.write_text("")
            child = os.fork()
            if child == 0:
                _batch(range(first, min(first + _BATCH, count)), seed, sound, root / "now", report)
            _, status = os.waitpid(child, 0)
            lines = report.read_text().splitlines()
            faults += [line.removeprefix("fault: ") for line in lines if line.startswith("fault: ")]
            if status:
                faults.append(f"the process ended with {os.waitstatus_to_exitcode(status)} after {lines[-1:]}")
    return {"files": count, "seed": seed, "faults": faults}


class _Late(BaseException):
    """Nothing that handles errors handles it."""


def _batch(numbers: range, seed: int, sound: Path, now: Path, report: Path) -> None:
    """A child's part: it does not return."""
    from hnn_gym.errors import InputError

    def late(number: int, frame: Any) -> None:
        raise _Late

    results: dict[str, Any] = {}
    with report.open("a") as lines:
        for kind, read in READERS.items():
            results[kind] = read(sound / kind)
        signal.signal(signal.SIGALRM, late)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in numbers:
            draw = random.Random(f"{seed}/{number}")
            kind = draw.choice(list(READERS))
            shutil.rmtree(now, ignore_errors=True)
            shutil.copytree(sound / kind, now)
            what = f"{number}, {kind}, {damaged(now, draw)}"
            lines.write(f"{what}\n")
            lines.flush()
            began = time.process_time()
            signal.alarm(12 * _SECONDS)  # of the clock; what counts is the time of the process
            try:
                other = READERS[kind](now) != results[kind]
                if other and kind not in _FOREIGN and not what.endswith(_UNSEALED):
                    lines.write(f"fault: {what}: read to another result\n")
            except InputError:
                pass
            except BaseException as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                lines.write(f"fault: {what}: {type(error).__name__} {str(error)[:80]} in {where.name}\n")
            finally:
                signal.alarm(0)
            if time.process_time() - began > _SECONDS:
                lines.write(f"fault: {what}: took more than {_SECONDS} s\n")
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if (after - before) * 1024 > _BYTES:
                lines.write(f"fault: {what}: allocated more than 1 GB\n")
                before = after
    os._exit(0)
