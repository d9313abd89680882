"""What the paper claims, with the cells and checks that put it to the test."""

from __future__ import annotations

from harness import Claim, all_of, measured, ratio

_EVERY_ORIGIN = ["uniform", "sqrt-balanced", "zipf", "planted", "periodic", "source"]
_EVERY_BOUND = [1, 2, 4, 8, 16, 32, 64]
_BOUNDED = "pattern-hamming/pigeonhole-kangaroo"
_EXACT = ["pattern-hamming/tuned-hybrid", "discrete/fft-per-letter", "discrete/bitplane-popcount"]
_ONE_WAY = ["pattern-hamming/abrahamson", "discrete/fft-per-letter", "discrete/bitplane-popcount"]

claims = [
    Claim(
        name="ham-exact",
        statement="Every exact algorithm gives the Hamming distance at every shift, whatever the strings.",
        figure="The abstract's exact and k-bounded results; the packing in float64 is this module's.",
        criterion="exact-match is 1.0 in every cell. Packing more letters than float64 carries would break it.",
        cells=[
            {
                "tasks": [
                    {
                        "discrete/hamming-distances": {
                            "origin": _EVERY_ORIGIN,
                            "n": 2**16,
                            "m": [2**9, 2**12],
                            "repeats": 1,
                        }
                    }
                ],
                "models": [
                    "pattern-hamming/tuned-hybrid",
                    "pattern-hamming/packed-fft",
                    "pattern-hamming/abrahamson",
                    "discrete/fft-per-letter",
                    "discrete/bitplane-popcount",
                    "discrete/naive-numpy",
                ],
                "seeds": 5,
            },
            {
                "tasks": [
                    {
                        "discrete/bounded-hamming-distances": {
                            "origin": _EVERY_ORIGIN,
                            "n": 2**16,
                            "k": [0, 8],
                            "repeats": 1,
                        }
                    }
                ],
                "models": ["pattern-hamming/pigeonhole-kangaroo", "discrete/kangaroo"],
                "seeds": 5,
            },
        ],
        check=measured("exact-match").each().equals(1),
    ),
    Claim(
        name="ham-sqrt-scaling",
        statement="On its worst alphabet, the tuned hybrid's work for each letter of the text grows like sqrt(m).",
        figure="O(n sqrt(m)), the abstract's first result.",
        criterion=(
            "Slope of log2(max over sigma of ops-per-symbol) on log2(m), m = 2^8 ... 2^14, mean of 5 seeds: in "
            "[0.40, 0.65]. Slope of ns-per-symbol, likewise, at most 0.75, and at least 0.70 for naive-numpy. The "
            "worst sigma is where a letter's pairs cost what its share of a transform does, not sqrt(m)."
        ),
        cells=[
            {
                "tasks": [
                    {
                        "discrete/hamming-distances": {
                            "origin": "uniform",
                            "n": 2**17,
                            "m": [2**power for power in range(8, 15)],
                            "sigma": [2**power for power in range(1, 15)],
                        }
                    }
                ],
                "models": ["pattern-hamming/tuned-hybrid"],
                "seeds": 5,
            },
            {
                "tasks": [
                    {
                        "discrete/hamming-distances": {
                            "origin": "uniform",
                            "n": 2**17,
                            "m": [2**power for power in range(8, 15)],
                            "sigma": 32,
                        }
                    }
                ],
                "models": ["discrete/naive-numpy"],
                "seeds": 5,
            },
        ],
        check=all_of(
            measured("ops-per-symbol", "pattern-hamming/tuned-hybrid")
            .largest(over="sigma")
            .slope(over="m")
            .within(0.40, 0.65),
            measured("ns-per-symbol", "pattern-hamming/tuned-hybrid")
            .largest(over="sigma")
            .slope(over="m")
            .at_most(0.75),
            measured("ns-per-symbol", "discrete/naive-numpy").slope(over="m").at_least(0.70),
        ),
    ),
    Claim(
        name="ham-tuned-never-bad",
        statement="Choosing the way of each letter by its cost is never much slower than the better of both ways.",
        figure="No figure in the paper; what the balance of the two costs in its proof amounts to.",
        criterion=(
            "m = 4096: seconds of tuned-hybrid are at most 1.3 times the least of abrahamson with no heavy letter, "
            "fft-per-letter and bitplane-popcount at every sigma (mean of 10 seeds), and below naive-numpy's."
        ),
        cells=[
            {
                "tasks": [
                    {
                        "discrete/hamming-distances": {
                            "origin": "uniform",
                            "n": 2**16,
                            "m": 2**12,
                            "sigma": [2**power for power in range(1, 11)],
                        }
                    }
                ],
                "models": [
                    "pattern-hamming/tuned-hybrid",
                    {"pattern-hamming/abrahamson": {"threshold": 2**12 + 1}},
                    "discrete/fft-per-letter",
                    "discrete/bitplane-popcount",
                    "discrete/naive-numpy",
                ],
                "seeds": 10,
            }
        ],
        check=all_of(
            (
                measured("seconds", "pattern-hamming/tuned-hybrid")
                / measured("seconds", _ONE_WAY).smallest(over="model")
            ).at_most(1.3),
            ratio("seconds", "pattern-hamming/tuned-hybrid", "discrete/naive-numpy").at_most(1),
        ),
    ),
    Claim(
        name="ham-k-bounded",
        statement="Distances up to a small bound cost much less than all, and hardly more with the bound.",
        figure="O(n + n k / sqrt(m)), the abstract's second result: at most twice O(n) up to k = sqrt(m).",
        criterion=(
            "m = 4096, planted, sigma 4: for k up to 8, seconds of pigeonhole-kangaroo are at most 1/3 of the best "
            "exact model's; at k = 64 = sqrt(m) at most 4 times those at k = 1 (the bound's 2, and as much for "
            "constants). Against it kangaroo, O(n k): its ops grow at least 4 times from k = 1 to 64, with a rank "
            "correlation above 0.85. Nothing is asked on periodic strings, whose reduction is not built: the cells "
            "show what that costs."
        ),
        cells=[
            {
                "tasks": [
                    {
                        "discrete/bounded-hamming-distances": {
                            "origin": ["planted", "periodic"],
                            "k": _EVERY_BOUND,
                            "repeats": 5,
                        }
                    }
                ],
                "models": ["pattern-hamming/pigeonhole-kangaroo"],
                "seeds": 5,
            },
            {
                "tasks": [{"discrete/bounded-hamming-distances": {"n": 2**16, "k": _EVERY_BOUND, "repeats": 1}}],
                "models": ["discrete/kangaroo"],
                "seeds": 5,
            },
            {
                "tasks": [
                    {"discrete/hamming-distances": {"origin": ["planted", "periodic"], "sigma": 4, "repeats": 5}}
                ],
                "models": [
                    "pattern-hamming/tuned-hybrid",
                    "discrete/fft-per-letter",
                    "discrete/bitplane-popcount",
                ],
                "seeds": 5,
            },
        ],
        check=all_of(
            (
                measured("seconds", _BOUNDED, origin="planted", k=[1, 2, 4, 8])
                / measured("seconds", _EXACT, origin="planted").smallest(over="model")
            ).at_most(1 / 3),
            (
                measured("seconds", _BOUNDED, origin="planted", k=64)
                / measured("seconds", _BOUNDED, origin="planted", k=1)
            ).at_most(4),
            (measured("ops", "discrete/kangaroo", k=64) / measured("ops", "discrete/kangaroo", k=1)).at_least(4),
            measured("ops", "discrete/kangaroo").rank_correlation(over="k").at_least(0.85),
        ),
    ),
    Claim(
        name="ham-approx-eps",
        statement="A factor 1 +- eps costs about eps^-1 with buckets and eps^-2 with random signs.",
        figure="eps^-1 of Kopelowitz and Porat (2018), here brought to eps^-0.93; eps^-2 of Karloff (1993).",
        criterion=(
            "within-eps, averaged over 20 seeds, is at least 0.95 for each eps and sigma; bucket's over-estimates "
            "are 0. At sigma 64, slope of seconds on 1 / eps: within [0.8, 1.3] for bucket, [1.7, 2.3] for karloff."
        ),
        cells=[
            {
                "tasks": [{"discrete/approximate-hamming-distances": {"sigma": [2, 64], "eps": [0.4, 0.2, 0.1]}}],
                "models": ["pattern-hamming/bucket", "discrete/karloff"],
                "seeds": 20,
            }
        ],
        check=all_of(
            measured("within-eps").at_least(0.95),
            measured("over-estimates", "pattern-hamming/bucket").each().equals(0),
            measured("seconds", "pattern-hamming/bucket", sigma=64).slope(over="eps").within(-1.3, -0.8),
            measured("seconds", "discrete/karloff", sigma=64).slope(over="eps").within(-2.3, -1.7),
        ),
    ),
]
