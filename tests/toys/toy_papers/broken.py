"""A paper that cannot be imported."""

raise ImportError("a dependency is missing")
