"""A paper that is no Python."""

paper = (
