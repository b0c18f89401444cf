"""The pages of the site that are made of the package: its reference, its environments and its worlds."""
