"""A run, or two, as one page: what was measured, who is better and how sure that is, and how to reproduce it."""
