"""Which papers, tasks, models and metrics there are: found without importing them, imported when named."""
