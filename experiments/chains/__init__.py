"""Chain pendulums of constrained Hamiltonian networks (Finzi, Wang, Wilson, NeurIPS 2020) under their protocol."""
