"""``python -m experiments.sample_efficiency``: what real transitions earn by planning in a learned world."""

from experiments.sample_efficiency.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.sample_efficiency")
