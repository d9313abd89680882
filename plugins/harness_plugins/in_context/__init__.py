"""In-context learning: papers that ask which algorithm a sequence model runs on the examples in its prompt."""
