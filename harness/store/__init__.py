"""Results on disk: one folder per run, columnar, appended as they come, readable at every moment."""
