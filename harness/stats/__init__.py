"""Statistics: intervals, paired comparisons, corrections, rankings. Numbers in, numbers out; nothing of the harness."""
