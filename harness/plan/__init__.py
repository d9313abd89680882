"""From a suite to cases, and from cases to what has to be run: identity, fingerprints, reuse."""
