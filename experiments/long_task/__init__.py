"""A long task with a weak motor, in which a world's own energy errors can outweigh everything that an agent does."""
