"""Claims of every kind about guesses (arXiv:0000.00001)."""

from __future__ import annotations

from harness import Claim, Paper, difference, measured

GUESS, MEAN, SHIFTED = "guessing/guess", "guessing/mean", "guessing/shifted"
ONE = {"guessing/constant": {"value": 1}}

claims = [
    Claim(
        "mean-is-exact",
        "The mean is the mean",
        figure="0, section 1",
        criterion="error = 0 for every seed",
        cells=[{"tasks": [GUESS], "models": [MEAN, ONE], "seeds": 4}],
        check=measured("error", MEAN).each().equals(0),
    ),
    Claim(
        "mean-beats-shifted",
        "The mean is better than what is off by a half",
        figure="a half, section 2",
        criterion="error at least 0.4 smaller",
        cells=[{"tasks": [GUESS], "models": [MEAN, SHIFTED], "seeds": 4}],
        check=difference("error", MEAN, SHIFTED).at_most(-0.4),
    ),
    Claim(
        "shifted-is-exact",
        "What is off by a half is not",
        figure="0, section 3",
        criterion="error <= 0.1",
        cells=[{"tasks": [GUESS], "models": [SHIFTED], "seeds": 4}],
        check=measured("error", SHIFTED).at_most(0.1),
    ),
    Claim(
        "noise-is-small",
        "Noise hardly matters",
        figure="'negligible', section 4",
        criterion="error <= 1, by a single seed",
        cells=[{"tasks": [GUESS], "models": ["guessing/noisy"], "seeds": 1}],
        check=measured("error", "guessing/noisy").at_most(1),
    ),
    Claim(
        "error-is-positive",
        "No error is below zero",
        figure="section 5",
        criterion="error >= 0: so it is, whatever the results",
        cells=[{"tasks": [GUESS], "models": [ONE], "seeds": 4}],
        check=measured("error", "guessing/constant").each().at_least(0),
    ),
    Claim(
        "curve-is-low",
        "No number is far from the mean",
        figure="section 6",
        criterion="error-curve <= 5 at every position, for four numbers and for five",
        cells=[{"tasks": [{GUESS: {"size": [4, 5]}}], "models": [MEAN], "seeds": 3}],
        check=measured("error-curve", MEAN).largest(over="position").each().at_most(5),
    ),
]

paper = Paper(title="Statements", year=2026, venue="tests", arxiv="0000.00001", claims=claims)
