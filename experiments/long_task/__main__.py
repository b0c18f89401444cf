"""``python -m experiments.long_task``: returns over 5,000 real steps of agents planned in learned worlds."""

from experiments.long_task.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.long_task")
