"""Suites: YAML files that name a matrix of tasks, models, backends and seeds."""
