"""The laws that prompts of in-context regression are drawn from, one module for each kind of function."""
