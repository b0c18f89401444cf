"""Tables of what many cells, machines and transitions cost."""

from __future__ import annotations

import statistics

from experiments.tables.sources import measurements, report, table

_CORES = 1600


def cluster() -> str:
    """What a cluster survives, and what it costs."""
    found = report("studies")
    node, program, nothing = found["node_killed"], found["program_killed"], found["seconds_a_cell_that_does_nothing"]
    share = {name: statistics.median(values) for name, values in found["overhead_by_round"].items()}
    same = "equal to the bit to those of a run in order" if node["equal_to_the_bit"] else "NOT equal to a run in order"
    rows = [
        (
            f"two nodes, {node['cells']} cells, one node killed in the middle",
            f"{node['there']} cells there, {same}, {node['computed_twice']} computed twice",
            "all there, equal",
        ),
        (
            f"the program killed after {program['landed_before']} of {program['cells']} cells, and started again",
            f"{program['there']} there, {program['landed_cells_computed_twice']} that had landed computed again",
            "0 again",
        ),
        ("time beyond that of cells of 1 s, Ray", f"{100 * share['ray']:.1f} %", "<= 5 %"),
        ("the same, processes", f"{100 * share['processes']:.1f} %", ""),
        ("a cell that does nothing, Ray", f"{1e3 * nothing['ray']:.1f} ms", ""),
        ("the same, processes", f"{1e3 * nothing['processes']:.1f} ms", ""),
    ]
    rows += [
        (f"one result of 100 numbers landing beside {int(count):,} others", f"{1e3 * seconds:.1f} ms", "")
        for count, seconds in found["seconds_to_land_beside_others"].items()
    ]
    return table(("what", "measured", "bar"), rows)


def large_recording() -> str:
    """Ten million transitions written, opened, read and learned from."""
    found = report("large_recording")
    stages = found["stages"]
    small, large = (stages[name]["one_step_rms_on_fresh_episodes"] for name in ("train-2000", "train"))
    read = stages["read"]
    rows = [
        ("written, in shards", f"{stages['write']['rows_per_second'] / 1e3:.0f}k rows/s", ""),
        ("size on disk", f"{stages['write']['bytes_a_row']:.1f} bytes a row", ""),
        ("opened", f"{read['open_seconds']:.2f} s", "<= 1 s"),
        (
            "one pass in shuffled windows of 8, the first, which checks every episode, and the second",
            " and ".join(f"{value / 1e6:.1f}M" for value in read["rows_per_second"]) + " rows/s",
            ">= 1M rows/s",
        ),
        ("the same by CPU time", " and ".join(f"{v / 1e6:.1f}M" for v in read["rows_per_cpu_second"]) + " rows/s", ""),
        (
            "`train_world` on all of them",
            f"{stages['train']['cpu_seconds']:.0f} CPU s, {stages['train']['minibatches']:,} minibatches",
            "",
        ),
        ("its peak memory over the imports", f"{stages['train']['peak_bytes_over_import'] / 1e9:.2f} GB", "<= 1 GB"),
        ("its one-step RMS on fresh episodes", f"{large:.3g}", f"<= {small:.3g}, learned from 2,000"),
    ]
    return table((f"{found['steps']:,} transitions of Pendulum-v1", "measured", "bar"), rows)


def full_batch() -> str:
    """What a full-batch fit costs by the size of a recording."""
    found = report("full_batch")
    rows = [(f"all of {row['what']}", f"{row['ours']:.1f} us", f"{row['theirs']:.0f} s") for row in found["rows"]]
    minibatches = found["cpu_seconds_a_transition_in_minibatches"]
    rows += [(f"minibatches of 4,096, {name}", f"{1e6 * s:.1f} us", "") for name, s in minibatches.items()]
    return table(("evaluated at once", "CPU time a transition and evaluation", "CPU time of a fit"), rows)


def two_cores() -> str:
    """What a second core gains."""
    rows = []
    for name, one in report("two_cores")["measured"].items():
        by_cpu = f"{one['gain_by_cpu']:.2f} x" if one["by"] == "processes" else ""
        bar = ">= 1.7 x" if "frames" in name else ""
        rows.append((name, one["by"], f"{one['gain_by_wall']:.2f} x", by_cpu, bar))
    return table(("two against one", "of what", "by the clock", "by CPU time", "bar"), rows)


def transition() -> str:
    """CPU time of one transition recorded through Gymnasium."""
    found = report("two_cores")["cpu_seconds_a_transition"]
    words = {"none": "into one store, episode by episode", "processes": "in shards"}
    return table(
        ("one transition of Pendulum-v1 recorded", "CPU time"),
        [(words[name], f"{1e6 * seconds:.0f} us") for name, seconds in found.items()],
    )


def rllib() -> str:
    """What RLlib's PPO earns in reality after training in a learned world."""
    rows = []
    for name, earned in measurements("rllib").below("").items():
        environment, _, seed = name.rpartition("/")
        seconds = 0.0
        for part in earned:
            seconds += part["cpu_seconds"]
            returns = (f"{part[f'{kind}_return_in_reality']:.0f}" for kind in ("mean", "worst"))
            rows.append(
                (f"`{environment}`, seed {seed}", f"{part['steps']:,}", f"{seconds:.0f} s", *returns, ">= -300")
            )
    real = "mean return in `Pendulum-v1`, 100 starts"
    return table(("trained in", "steps", "CPU time", real, "worst", "bar of the mean"), rows)


def estimate() -> str:
    """What a hundred nodes of 16 cores and 10^9 transitions would cost, by the figures of one machine."""
    stages, recorded = report("large_recording")["stages"], report("two_cores")["cpu_seconds_a_transition"]["none"]
    cell = report("studies")["seconds_a_cell_that_does_nothing"]["ray"]
    fitted = report("full_batch")["rows"][-1]["ours"]
    rate, opened = min(stages["read"]["rows_per_second"]), stages["read"]["open_seconds"]
    rows = [
        (
            "recorded through Gymnasium, Pendulum-v1",
            f"{1e6 * recorded:.0f} us of CPU each",
            f"{recorded * 1e9 / 3600:.0f} core hours, {recorded * 1e9 / _CORES / 60:.1f} minutes on {_CORES:,} cores",
        ),
        (
            "recorded from a simulator of 10 ms a step",
            "10 ms of CPU each",
            f"{0.01 * 1e9 / 3600:,.0f} core hours, {0.01 * 1e9 / _CORES / 3600:.1f} hours on {_CORES:,} cores",
        ),
        ("stored", f"{stages['write']['bytes_a_row']:.1f} bytes each", f"{stages['write']['bytes_a_row']:.0f} GB"),
        ("opened", f"{opened:.2f} s for 10^7", f"{100 * opened:.0f} s in every process that opens all of it"),
        ("read once", f"{rate / 1e6:.1f}M rows/s", f"{1e9 / rate / 60:.0f} minutes by one process"),
        (
            "fitted, one pass",
            f"{fitted:.1f} us of CPU each, beside the reading",
            f"{fitted * 1e3 / 60:.0f} minutes of CPU, by one process",
        ),
        (
            "handed out by Ray",
            f"{1e3 * cell:.1f} ms a cell in the program of the study",
            f"{_CORES:,} cores are busy where a cell takes {_CORES * cell:.0f} s or more",
        ),
    ]
    return table(("what", "measured", "10^9 transitions on paper"), rows)


TABLES = {
    "full-batch": full_batch,
    "scale-estimate": estimate,
    "cluster": cluster,
    "large-recording": large_recording,
    "two-cores": two_cores,
    "transition-recorded": transition,
    "rllib": rllib,
}
