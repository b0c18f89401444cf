"""``python -m hnn_gym.experiments.long_task``: what agents planned in learned worlds earn over 5,000 real steps."""

from hnn_gym.command import run
from hnn_gym.experiments.long_task.command import Settings, main

if __name__ == "__main__":
    run(main, Settings, prog="python -m hnn_gym.experiments.long_task")
