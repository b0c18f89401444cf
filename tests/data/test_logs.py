"""Logs of machines become datasets: files, roles of columns, steps of unequal length, gaps, and refusals."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnn_gym.convert import ConvertSettings, convert
from hnn_gym.coordinates import Coordinates
from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.data.logs.roles import guess_roles
from hnn_gym.data.logs.units import factor_of
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError

ROBOT = Path("../shared/data/dfki-double-pendulum")
Columns = Mapping[str, np.ndarray]


def columns(rows: int = 60, *, seed: int = 0) -> dict[str, np.ndarray]:
    """A log of two joints at steps of unequal length."""
    rng = np.random.default_rng(seed)
    t = 100 + np.cumsum(rng.uniform(0.008, 0.012, rows))
    return {
        "t": t,
        "q1": np.sin(t),
        "q2": 0.5 * np.cos(2 * t),
        "v1": np.cos(t),
        "v2": -np.sin(2 * t),
        "tau1": rng.normal(size=rows),
        "tau2": rng.normal(size=rows),
    }


def text(table: Columns, delimiter: str = ",") -> str:
    rows = np.stack(list(table.values()), axis=1)
    lines = [delimiter.join(table), *(delimiter.join(repr(float(value)) for value in row) for row in rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    def write(table: Columns | str, name: str = "log.csv") -> Path:
        (tmp_path / name).write_text(table if isinstance(table, str) else text(table))
        return tmp_path / name

    return write


@pytest.fixture
def converted(tmp_path: Path) -> Callable[..., TransitionDataset]:
    def run(*logs: Path, out: str = "d.zarr", reading: LogSettings | None = None, **roles: object) -> TransitionDataset:
        return convert(ConvertSettings(logs, tmp_path / out, reading=reading or LogSettings(), **roles))[0]

    return run


def test_a_log_becomes_transitions_from_stamp_to_stamp(log, converted):
    table = columns()
    dataset = converted(log(table))
    (episode,) = dataset
    np.testing.assert_array_equal(episode.observation, np.stack([table[n] for n in ("q1", "q2", "v1", "v2")], axis=1))
    np.testing.assert_array_equal(episode.action, np.stack([table["tau1"], table["tau2"]], axis=1)[:-1])
    np.testing.assert_array_equal(episode.time, table["t"] - table["t"][0])
    assert dataset.provenance.dt == np.median(np.diff(episode.time))
    assert dataset.provenance.observation_names == ("q1", "q2", "v1", "v2")
    assert not episode.terminated.any()
    np.testing.assert_array_equal(np.flatnonzero(episode.truncated), [len(episode.action) - 1])


def test_every_kind_of_file_gives_the_same_dataset(tmp_path, log, converted):
    table = columns()
    expected = converted(log(table)).content_hash()
    (tmp_path / "log.tsv").write_text("# a comment\n\n" + text(table, "\t"))
    (tmp_path / "semicolons.csv").write_text(text(table, "; "))
    (tmp_path / "blanks.txt").write_text(text(table, "  "))
    with gzip.open(tmp_path / "packed.csv.gz", "wt") as packed:
        packed.write(text(table))
    np.savez(tmp_path / "log.npz", **table)
    for name in ("log.tsv", "semicolons.csv", "blanks.txt", "packed.csv.gz", "log.npz"):
        assert converted(tmp_path / name, out=f"{name}.zarr").content_hash() == expected, name


def test_parquet_gives_the_same_dataset(tmp_path, log, converted):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = columns()
    parquet.write_table(pa.table(table), tmp_path / "log.parquet")
    assert converted(tmp_path / "log.parquet", out="p.zarr").content_hash() == converted(log(table)).content_hash()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"broken\.parquet is damaged"):
        converted(tmp_path / "broken.parquet", out="q.zarr")


def test_a_log_that_is_damaged_in_its_own_format_is_refused_by_name(tmp_path, converted):
    np.savez(tmp_path / "log.npz", **columns())
    whole = (tmp_path / "log.npz").read_bytes()
    packed = bytearray(gzip.compress(text(columns()).encode()))
    packed[len(packed) // 2 :] = bytes(len(packed) - len(packed) // 2)
    for name, data in {
        "cut.npz": whole[: len(whole) // 2],
        "zeros.csv.gz": bytes(packed),
        "long.csv": b't,q1,v1,tau1\n"' + b"1" * 200_000 + b'",2,3,4\n',
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=name):
            converted(tmp_path / name)


def test_arrays_of_several_columns_in_an_npz_are_named_by_their_index(tmp_path, converted):
    table = columns()
    q, v, tau = (np.stack([table[f"{name}{i}"] for i in (1, 2)], axis=1) for name in ("q", "v", "tau"))
    np.savez(tmp_path / "log.npz", t=table["t"], q=q, v=v, tau=tau)
    assert converted(tmp_path / "log.npz").provenance.observation_names == ("q[0]", "q[1]", "v[0]", "v[1]")


def test_several_files_are_episodes_and_a_column_can_number_more(log, converted):
    first, second = columns(seed=1), columns(30, seed=2)
    second["trial"] = np.repeat([1.0, 2.0, 3.0], 10)
    second["t"] = np.tile(second["t"][:10], 3)
    first["trial"] = np.zeros(60)
    dataset = converted(log(first, "a.csv"), log(second, "b.csv"), episode="trial", velocity=())
    assert [episode.num_steps for episode in dataset] == [59, 9, 9, 9]


def test_an_episode_ends_at_a_long_gap_and_a_shorter_one_is_a_long_step(log, converted):
    table = columns()
    table["t"][20:] += 0.05
    table["t"][40:] += 0.5
    dataset = converted(log(table), velocity=())
    assert [episode.num_steps for episode in dataset] == [39, 19]
    assert np.diff(dataset.episode(0).time).max() > 0.05
    cut = converted(log(table), out="cut.zarr", velocity=(), reading=LogSettings(gap=0.03))
    assert [episode.num_steps for episode in cut] == [19, 19, 19]


def test_every_fifth_row_is_kept_with_the_mean_action_over_its_time():
    table = columns(61)
    q, tau = np.stack([table["q1"], table["q2"]], axis=1), table["tau1"]
    settings = LogSettings(every=5, actions="interpolated", acts_on=("q0",))
    (episode,) = TransitionDataset.from_arrays(table["t"], q, action=tau, settings=settings)
    np.testing.assert_array_equal(episode.observation, q[::5])
    first = np.trapezoid(tau[:6], table["t"][:6]) / (table["t"][5] - table["t"][0])
    assert episode.action[0, 0] == pytest.approx(first, rel=1e-9)  # sums in another order
    (held,) = TransitionDataset.from_arrays(table["t"], q, action=tau, settings=replace(settings, actions="held"))
    steps = np.diff(table["t"][:6])
    assert held.action[0, 0] == pytest.approx(tau[:5] @ steps / steps.sum(), rel=1e-9)


def test_velocities_are_derived_from_the_positions_of_all_rows_before_some_are_left_out():
    t = np.cumsum(np.random.default_rng(0).uniform(0.0015, 0.0025, 600))
    q = np.stack([np.sin(5 * t), t**3], axis=1)
    settings = LogSettings(every=5, differentiate=0.042)
    dataset = TransitionDataset.from_arrays(t, q, settings=settings)
    (episode,) = dataset
    v = np.stack([5 * np.cos(5 * t), 3 * t**2], axis=1)[::5]
    # A cubic is met to rounding; of sin(5 t) its error is of fourth order, and of third order at both ends.
    np.testing.assert_allclose(episode.observation[:, 3], v[: len(episode.observation), 1], atol=1e-9)
    np.testing.assert_allclose(episode.observation[5:-5, 2], v[5 : len(episode.observation) - 5, 0], atol=1e-3)
    assert dataset.provenance.observation_names == ("q0", "q1", "q0_velocity", "q1_velocity")
    for wrong, message in ((0.002, "over at least 5 rows"), (9.0, "no more than there are")):
        with pytest.raises(InputError, match=message):
            TransitionDataset.from_arrays(t, q, settings=LogSettings(differentiate=wrong))
    with pytest.raises(InputError, match="'v0' is one"):
        TransitionDataset.from_arrays(t, q, velocity=q, settings=settings)


def test_incomplete_rows_are_left_out_and_their_time_passes(log, converted):
    lines = text(columns()).splitlines()
    lines[11] = lines[11].replace(lines[11].split(",")[2], "")
    lines[21] = lines[21].replace(lines[21].split(",")[5], "nan")
    path = log("\n".join(lines))
    with pytest.raises(InputError, match=r"Line 12 of .* has no value of 'q2'.*--skip-incomplete"):
        converted(path)
    dataset = converted(path, reading=LogSettings(skip_incomplete=True))
    assert dataset.num_steps == 57
    lines[11] = lines[10]
    with pytest.raises(InputError, match=r"Row 20 of .* has nan as 'tau1'.*--skip-incomplete"):
        converted(log("\n".join([*lines[:11], *lines[12:]])), out="other.zarr")


def test_the_coordinates_say_what_the_columns_are(log, converted):
    table = columns()
    renamed = {"time_ms": 1e3 * table["t"], "cart_pos1": table["q1"], "theta2": np.degrees(table["q2"])}
    dataset = converted(
        log(renamed | {"u": table["tau1"]}),
        reading=LogSettings(angle_unit="deg", acts_on=("theta2",)),
        position=("cart_pos1", "theta2"),
    )
    coordinates = Coordinates.from_json(dataset.provenance.coordinates)
    assert [degree.angle for degree in coordinates.degrees] == [False, True]
    assert coordinates.unobserved == (True, True)
    assert [(control.degree, control.unit) for control in coordinates.controls] == [(1, "N m")]
    (episode,) = dataset
    np.testing.assert_allclose(episode.observation, np.stack([table["q1"], table["q2"]], axis=1), rtol=1e-14)
    assert episode.time[-1] == pytest.approx(table["t"][-1] - table["t"][0], rel=1e-9)


def test_actions_whose_degree_of_freedom_is_not_known_are_learned_with_all_their_gains(log, converted):
    table = columns()
    del table["tau2"]
    table["voltage"] = table.pop("tau1")
    dataset = converted(log(table), action=("voltage",))
    (control,) = Coordinates.from_json(dataset.provenance.coordinates).controls
    assert (control.degree, control.unit) == (None, None)


@pytest.mark.parametrize(
    ("names", "position", "velocity", "action"),
    [
        (["time", "pos_des1", "pos_meas1", "vel_meas1", "tau_con1", "tau_meas1"], *(f"{x}_meas1" for x in
         ("pos", "vel", "tau"))),
        (["stamp", "joint_position_0", "joint_velocity_0", "joint_effort_0"], *(f"joint_{x}_0" for x in
         ("position", "velocity", "effort"))),
        (["t", "theta", "thetadot", "u"], "theta", "thetadot", "u"),
        (["t[s]", "q[0]", "dq[0]", "tau[0]"], "q[0]", "dq[0]", "tau[0]"),
        (["Time", "x", "v", "F"], "x", "v", "F"),
        (["timestamp", "encoder1", "temperature"], "encoder1", None, None),
        (["t (s)", "q1 (rad)", "q1 (deg)", "q1_dot (rad/s)", "q1_ddot", "tau1 [Nm]"], "q1 (rad)", "q1_dot (rad/s)",
         "tau1 [Nm]"),
    ],
)  # fmt: skip
def test_roles_are_guessed_from_the_names_that_logs_have(names, position, velocity, action):
    roles, sentences = guess_roles(names)
    assert roles.time == names[0]
    assert roles.position == (position,)
    assert roles.velocity == (() if velocity is None else (velocity,))
    assert roles.action == (() if action is None else (action,))
    assert len(sentences) == 4


def test_a_data_frame_and_arrays_give_what_their_file_gives(log, converted):
    table = columns()
    expected = converted(log(table)).content_hash()
    q, v, tau = (np.stack([table[f"{name}{i}"] for i in (1, 2)], axis=1) for name in ("q", "v", "tau"))
    assert TransitionDataset.from_arrays(table["t"], q, velocity=v, action=tau).content_hash() == expected
    twice = TransitionDataset.from_arrays([table["t"]] * 2, [q, q], velocity=[v, v], action=[tau, tau])
    assert [episode.num_steps for episode in twice] == [59, 59]
    pandas = pytest.importorskip("pandas")
    assert TransitionDataset.from_dataframe(pandas.DataFrame(table)).content_hash() == expected
    named = TransitionDataset.from_dataframe(pandas.DataFrame(table), position=["q2"], velocity=[], action="tau2")
    assert named.provenance.observation_names == ("q2",)


def test_stamps_of_a_data_frame_may_be_dates():
    pandas = pytest.importorskip("pandas")
    table = columns()
    frame = pandas.DataFrame(table)
    frame["t"] = pandas.to_datetime(frame["t"], unit="s")
    (episode,) = TransitionDataset.from_dataframe(frame)
    np.testing.assert_allclose(episode.time, table["t"] - table["t"][0], atol=1e-8)  # dates count nanoseconds


WITHOUT_STAMPS = LogSettings(dt=0.01)


def spreadsheet(rows: int = 60) -> str:
    """What a German Excel writes: semicolons, decimal commas, units in the names, a number before every row."""
    table = columns(rows)
    cells = np.stack([np.arange(rows), 1000 * table["t"], np.degrees(table["q1"]), table["tau1"]], axis=1)
    lines = (";".join(f"{value:.9f}".replace(".", ",") for value in row) for row in cells)
    return "\r\n".join(["sep=;", ";Zeit [ms];q1 [°];tau1 (N·m)", *lines])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_table_of_a_spreadsheet_is_read_with_its_units_and_decimal_commas(encoding, tmp_path, converted):
    path, table = tmp_path / "log.csv", columns()
    path.write_bytes(spreadsheet().encode(encoding))
    dataset = converted(path, time="Zeit [ms]")
    (episode,) = dataset
    assert dataset.provenance.observation_names == ("q1",)
    np.testing.assert_allclose(episode.observation[:, 0], table["q1"], atol=1e-9)  # nine digits are written
    np.testing.assert_allclose(episode.time, table["t"] - table["t"][0], atol=1e-9)
    np.testing.assert_allclose(episode.action[:, 0], table["tau1"][:-1], atol=1e-8)


@pytest.mark.parametrize(
    ("name", "role", "factor"),
    [
        ("q1 [deg]", "position", np.pi / 180),
        ("lift (mm)", "position", 1e-3),
        ("theta_deg", "position", np.pi / 180),
        ("speed [rpm]", "velocity", np.pi / 30),
        ("v1 (°/s)", "velocity", np.pi / 180),
        ("torque [mNm]", "action", 1e-3),
        ("time (µs)", "time", 1e-6),
        ("tau[0]", "action", None),
        ("angle (left)", "position", None),
        ("v1 [deg]", "velocity", None),
    ],
)
def test_a_unit_in_the_name_of_a_column_is_understood_and_other_words_are_not(name, role, factor):
    assert factor_of(name, role) == pytest.approx(factor)


def test_an_action_in_volts_or_a_position_to_go_to_is_no_force(log, converted):
    table = columns()
    for name in ("u1 [V]", "pos_cmd1"):
        path = log({"t": table["t"], "q1": table["q1"], name: table["tau1"]})
        declared = converted(path, out=f"{name[0]}.zarr", position=("q1",), action=(name,)).provenance.coordinates
        assert Coordinates.from_json(declared).controls[0].unit is None


def test_a_stamp_may_be_a_date_with_a_zone(log, converted):
    rows = [f"2024-05-01 10:00:0{i // 2}.{5 * (i % 2)}00000+02:00,{np.sin(i)},{np.cos(i)}" for i in range(12)]
    (episode,) = converted(log("\n".join(["timestamp,q1,tau1", *rows])))
    np.testing.assert_allclose(episode.time, 0.5 * np.arange(12), atol=1e-6)  # seconds since 1970 in float64
    with pytest.raises(InputError, match=r"Line 3 of .* has '2024-13-01 10:00' as 'timestamp'"):
        converted(log("\n".join(["timestamp,q1,tau1", rows[0], "2024-13-01 10:00,0,0"]), "b.csv"), out="b.zarr")


def test_a_log_without_stamps_needs_a_time_step(log, converted):
    table = columns()
    del table["t"]
    path = log(table)
    with pytest.raises(InputError, match=r"No column looks like time stamps.*--dt"):
        converted(path)
    assert converted(path, velocity=(), reading=WITHOUT_STAMPS).provenance.dt == pytest.approx(0.01)
    with pytest.raises(InputError, match="a column of stamps, or a time step dt"):
        converted(log(columns()), out="other.zarr", time="t", reading=WITHOUT_STAMPS)


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    table = columns()
    return table | {name: change(table[name].copy())}


def put(row: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(column: np.ndarray) -> np.ndarray:
        column[row] = value
        return column

    return change


FULL = text(columns())
REFUSED = {
    "backwards": (changed("t", put(20, 0.0)), "Row 21 of .* runs backwards from the stamp"),
    "repeated": (changed("t", lambda t: np.where(t == t[20], t[19], t)), "Row 21 of .* repeats the stamp"),
    "microseconds": (changed("t", lambda t: 1e6 * t), r"in seconds: give their unit .*--time-unit us"),
    "rows at 500 Hz in ms": (
        changed("t", lambda t: 2.0 * np.arange(len(t))),
        r"in seconds: give their unit .*--time-unit ms, or --time-unit s if they are",
    ),
    "no text": ("q1,\0\0", "cannot be read as text"),
    "degrees": (
        {name: np.degrees(c) if name in "q1q2v1v2" and name != "t" else c for name, c in columns(900).items()},
        r"'q1' of .* would be [\d.]+ turns in rad.*--angle-unit deg",
    ),
    "a few degrees": (
        {**(c := columns(900)), "q1": 15 * np.sin(3 * c["t"]), "v1": 45 * np.cos(3 * c["t"])},
        r"'q1' of .* would be 4\.8 turns in rad",
    ),
    "degrees beside rad": (changed("q1", np.degrees), "57.3 times 'v1', so it seems that 'q1' is in degrees"),
    "turned sign": (changed("v2", np.negative), "opposite sign"),
    "wraps": (
        {**columns(), "q1": np.mod(30 * columns()["t"], 2 * np.pi) - np.pi, "v1": np.full(60, 30.0)},
        r"'q1' of .* jumps by a whole turn.*--unwrap",
    ),
    "text": (FULL.replace(FULL.splitlines()[5].split(",")[1], "jam"), "Line 6 of .* has 'jam' as 'q1'"),
    "short line": (FULL[: FULL.rindex(",")], "Line 61 of .* has 6 cells, and 'tau2' is cell 7"),
    "long line": (FULL.rstrip() + ",0.5", "Line 61 of .* has 8 cells, and there are 7 names"),
    "decimal commas between commas": (
        "t,q1\n" + "\n".join(f"0,{k:02},1,{k}" for k in range(20)),
        "Line 2 of .* has 4 cells, and there are 2 names: .* need semicolons",
    ),
    "empty": ("", "is empty"),
    "names alone": (FULL.splitlines()[0], "no row below it"),
    "one row": ("\n".join(FULL.splitlines()[:2]), "1 complete row"),
    "no names": ("\n".join(FULL.splitlines()[1:]), "begins with numbers: begin it with a line that names the columns"),
    "a name twice": (FULL.replace("tau2", "tau1", 1), "two columns that are called 'tau1'"),
    "nothing near": (changed("t", lambda t: 10.0 * np.arange(len(t))), "in seconds|Nothing is left"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_log_that_cannot_be_right_is_refused_and_nothing_is_written(case, log, converted, tmp_path):
    table, message = REFUSED[case]
    path = log(table)
    with pytest.raises(InputError, match=message):
        converted(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.csv"]


def test_columns_and_files_that_are_not_there_are_named(log, converted, tmp_path):
    path = log(columns())
    with pytest.raises(InputError, match=r"has no column 'q3'. Its columns are t, q1"):
        converted(path, position=("q3",))
    with pytest.raises(InputError, match=r"2 positions .* and 1 velocities"):
        converted(path, velocity=("v1",))
    with pytest.raises(InputError, match="'q1' has two roles"):
        converted(path, position=("q1", "q1"), velocity=())
    with pytest.raises(MissingPathError, match=r"no file .*none\.csv"):
        converted(tmp_path / "none.csv")
    with pytest.raises(InputError, match="of no known kind"):
        converted(log(columns(), "log.xlsx"))
    less = columns()
    del less["tau2"]
    with pytest.raises(InputError, match=r"b\.csv has no column 'tau2', and .*log\.csv has"):
        converted(path, log(less, "b.csv"))
    still = {name: column for name, column in columns().items() if name not in ("v1", "v2")}
    with pytest.raises(InputError, match=r"log\.csv has a column 'v1', and .*c\.csv has none: .*--velocity"):
        converted(log(still, "c.csv"), path)
    converted(tmp_path / "c.csv", path, out="positions.zarr", velocity=())
    converted(path)
    with pytest.raises(ExistingPathError, match="--overwrite"):
        converted(path)


def test_the_resolution_of_an_encoder_is_found_and_kept() -> None:
    t = np.arange(0, 20, 0.01)
    step = 2 * np.pi / 1024
    coarse = np.round(np.sin(t) / step) * step
    dataset = TransitionDataset.from_arrays(t, np.stack([coarse, np.sin(t)], axis=1))
    found = dataset.provenance.policy_settings["resolutions"]
    assert list(found) == ["q0"]
    assert found["q0"] == pytest.approx(step, rel=1e-4)  # six digits are kept
    twice = TransitionDataset.from_arrays(t, np.tile(np.cos(t[:1000]), 2))
    assert "resolutions" not in twice.provenance.policy_settings  # a motion that repeats is not coarse


def test_an_angle_that_wraps_is_unwrapped_on_request(log, converted):
    table = columns()
    table["q1"], table["v1"] = np.mod(30 * table["t"], 2 * np.pi) - np.pi, np.full(60, 30.0)
    (episode,) = converted(log(table), reading=LogSettings(unwrap=True))
    np.testing.assert_allclose(np.diff(episode.observation[:, 0]), 30 * np.diff(table["t"]), atol=1e-9)


@pytest.mark.skipif(not ROBOT.exists(), reason="the logs of the real robot are not part of the package")
def test_the_logs_of_a_real_robot_are_read_with_nothing_named(converted):
    logs = sorted(ROBOT.glob("20230629-143*.csv.gz"))
    dataset = converted(*logs)
    assert dataset.num_episodes == len(logs)
    assert dataset.num_steps == 19_990
    assert dataset.provenance.observation_names == ("pos_meas1", "pos_meas2", "vel_meas1", "vel_meas2")
    assert dataset.provenance.policy_settings["resolutions"]["pos_meas1"] == pytest.approx(3.8147e-4, rel=1e-3)
    assert re.fullmatch(r"2023\d+-\d+\.csv\.gz", dataset.provenance.policy_settings["files"][0])
