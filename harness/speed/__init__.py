"""Speed: what operations cost, against a baseline, against another commit, and over the history of a repository."""
