"""The physics: phase space, dynamics, true systems, integrators, energy bumps and trajectories.

Nothing in here knows torch or Gymnasium. Every function takes NumPy arrays, torch tensors or traced arrays.
"""
