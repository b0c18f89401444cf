"""A task so long, with a motor so weak, that a world's own errors of energy can outweigh all that an agent does."""
