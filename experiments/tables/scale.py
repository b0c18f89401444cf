"""Tables of what many cells, machines and transitions cost."""

from __future__ import annotations

from experiments.tables.sources import report, table


def cluster() -> str:
    """What a cluster survives, and what it costs."""
    found = report("studies")
    node, program, nothing = found["node_killed"], found["program_killed"], found["seconds_a_cell_that_does_nothing"]
    share = {name: sorted(values)[len(values) // 2] for name, values in found["overhead_by_round"].items()}
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


def two_cores() -> str:
    """What a second core gains."""
    found = report("two_cores")
    rows = [
        (name, f"{one['gain_by_wall']:.2f} x", f"{one['gain_by_cpu']:.2f} x", ">= 1.7 x" if "frames" in name else "")
        for name, one in found["measured"].items()
    ]
    return table(("two processes against one", "by the clock", "by CPU time", "bar"), rows)


def transition() -> str:
    """CPU time of one transition recorded through Gymnasium."""
    found = report("two_cores")["cpu_seconds_a_transition"]
    words = {"none": "into one store, episode by episode", "processes": "in shards"}
    return table(
        ("one transition of Pendulum-v1 recorded", "CPU time"),
        [(words[name], f"{1e6 * seconds:.0f} us") for name, seconds in found.items()],
    )


TABLES = {
    "cluster": cluster,
    "large-recording": large_recording,
    "two-cores": two_cores,
    "transition-recorded": transition,
}
