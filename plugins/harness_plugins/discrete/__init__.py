"""Exact and provably approximate discrete algorithms: the same function, computed in different ways.

What is right is decidable here: an answer equals the oracle, or keeps a proven bound. Only then does cost count: work
that the algorithm counts itself (the same on every machine), and seconds beside the library call one would have made.
"""
