"""Timing: what a call costs, and what it costs beside another, on a machine that does other things too.

    from harness import timing
    found = timing.compare({"mine": lambda: mine(x), "theirs": lambda: theirs(x)})
    found["mine"].over(found["theirs"])     # a ratio with its interval

Every call is a sample of its own, with wall-clock and thread CPU time, so that one during which the kernel ran
something else is told from one that was slow. Competitors take turns in blocks, in random order: what else happens on
the machine meets all of them, and none evicts the others' data from the caches call by call. What differs from one
process to the next (where things lie in memory) needs fresh processes, of operations that can be built in them:

    timing.compare_fresh({"theirs": timing.Request("package.module:make"), "mine": timing.Request("my.module:make")})
"""

from harness.timing.here import Measurement, compare, measure
from harness.timing.processes import Request
from harness.timing.ratio import ratio
from harness.timing.rounds import Competitor, Effort, compare_fresh
from harness.timing.settings import Settings

__all__ = ["Competitor", "Effort", "Measurement", "Request", "Settings", "compare", "compare_fresh", "measure", "ratio"]
