"""Forecasts of a real two-link robot from its logs: ``python -m experiments.real_robot``.

The recordings are those of DFKI RIC's double pendulum (BSD-3-Clause), which are not part of this repository. Every
world is learned from all excitation recordings but one, and forecasts that one; a swing-up with a controller in the
loop is forecast by worlds that are learned from all of them.
"""
