"""Comparing models within a run, and one run with another: who is better, by how much, and how sure that is."""
