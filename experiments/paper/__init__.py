"""The state-space tasks of Greydanus et al. 2019: ``python -m experiments.paper``."""
