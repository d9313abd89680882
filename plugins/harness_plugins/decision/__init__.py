"""Decision making under uncertainty: which learner loses least, for a fixed environment and a fixed budget."""
