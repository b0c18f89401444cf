"""The tasks of Symplectic ODE-Net (Zhong, Dey, Chakraborty, ICLR 2020) under the protocol of its published code."""
