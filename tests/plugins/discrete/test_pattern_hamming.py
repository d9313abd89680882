"""The paper of Chan, Jin, Vassilevska Williams and Xu on Hamming distances."""

from __future__ import annotations

from collections import Counter
from math import sqrt
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Context
from harness_plugins.discrete._correlation import block_count, transform_cost
from harness_plugins.discrete._strings import relabel
from harness_plugins.discrete.arenas._texts import Origin, Recipe
from harness_plugins.discrete.arenas.matchers import BitplanePopcount, FftPerLetter, Kangaroo, NaiveNumpy
from harness_plugins.discrete.arenas.text_pattern_distance import (
    UNIT_COST,
    ApproximateHammingDistances,
    BoundedHammingDistances,
    HammingDistances,
    exact_match,
    hamming_distances,
    over_estimates,
    within_eps,
)
from harness_plugins.discrete.pattern_hamming import (
    Abrahamson,
    Bucket,
    PackedFft,
    PigeonholeKangaroo,
    TunedHybrid,
    measured_costs,
    packed_matches,
    packing_limit,
    paired_matches,
    paper,
)
from harness_plugins.discrete.pattern_hamming._kernels import (
    count_mismatches,
    fingerprints,
    piece_candidates,
    powers,
)

ORIGINS = get_args(Origin)
EXACT = [
    Abrahamson(),
    Abrahamson(threshold=0),
    Abrahamson(threshold=10**6),
    PackedFft(),
    PackedFft(letters=1),
    TunedHybrid(),
    TunedHybrid(pair_cost=1e-9),
    TunedHybrid(fft_cost=1e-9),
    TunedHybrid(pair_cost=30.0),
]
WORD, PART = (np.frombuffer(word, dtype=np.uint8).astype(np.uint32) for word in (b"abracadabra", b"abca"))


@st.composite
def texts_and_patterns(draw):
    """n = m, m = 1, all letters equal or all different, periodic, letters absent from the pattern or from the text."""
    m = draw(st.sampled_from([1, 2, 3, 17, 64, 100]))
    n = m + draw(st.sampled_from([0, 1, 5, 50, 400]))
    sigma = draw(st.sampled_from([1, 2, 4, 30, 10**9]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    text, pattern = (rng.integers(sigma, size=size, dtype=np.uint32) for size in (n, m))
    kind = draw(st.sampled_from(["random", "distinct", "periodic", "foreign", "copy"]))
    if kind == "distinct":
        text, pattern = rng.permutation(n).astype(np.uint32), rng.permutation(m).astype(np.uint32)
    elif kind == "periodic":
        text, pattern = np.resize(text[:3], n), np.resize(text[:3], m)
    elif kind == "foreign":
        text[rng.random(n) < 0.5] = 2**32 - 1
    elif kind == "copy":
        pattern = text[n - m :].copy()
    return text, pattern


@pytest.mark.parametrize("model", EXACT, ids=str)
def test_exact_models_on_a_word(model):
    assert model.distances(WORD, PART, Counter()).tolist() == [1, 4, 2, 3, 3, 3, 4, 1]


@given(strings=texts_and_patterns())
@settings(max_examples=200, deadline=None)
def test_exact_models_equal_the_oracle(strings):
    expected = hamming_distances(*strings)
    for model in EXACT:
        found = model.distances(*strings, Counter())
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, expected, err_msg=str(model))


@given(strings=texts_and_patterns(), k=st.sampled_from([0, 1, 2, 5, 16, 99, 100, 1000]))
@settings(max_examples=300, deadline=None)
def test_the_bounded_model_equals_the_capped_oracle(strings, k):
    expected = np.minimum(hamming_distances(*strings), k + 1)
    np.testing.assert_array_equal(PigeonholeKangaroo().bounded(*strings, k, Counter()), expected)


@given(strings=texts_and_patterns(), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_buckets_never_over_estimate(strings, seed):
    distances = hamming_distances(*strings)
    estimate = Bucket(maps=2).approx(*strings, 0.5, np.random.default_rng(seed), Counter())
    assert (estimate <= distances).all()
    assert (estimate[distances == 0] == 0).all()


@pytest.mark.parametrize("origin", ORIGINS)
def test_all_exact_models_agree_through_their_task(origin):
    task = HammingDistances(**HammingDistances.scales["smoke"] | {"origin": origin})
    instance = task.instance(Context(seed=0))
    answers = []
    for model in [*EXACT, NaiveNumpy(), FftPerLetter(), BitplanePopcount()]:
        outcome = task.run(model, instance, Context(seed=1))
        assert exact_match(instance, outcome) == 1.0
        answers.append(outcome.distances.tobytes())
    assert len(set(answers)) == 1


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("k", [0, 4, 40])
def test_the_bounded_models_agree_through_their_task(origin, k):
    task = BoundedHammingDistances(**BoundedHammingDistances.scales["smoke"] | {"origin": origin, "k": k})
    instance = task.instance(Context(seed=0))
    ours, theirs = (task.run(model, instance, Context(seed=1)) for model in (PigeonholeKangaroo(), Kangaroo()))
    assert exact_match(instance, ours) == 1.0
    np.testing.assert_array_equal(ours.distances, theirs.distances)


def test_fingerprints_that_lie_change_no_answer():
    """With a base of 1 all words of the same letters look equal: everything found must be counted again."""
    rng = np.random.default_rng(0)
    text, pattern = (rng.integers(2, size=size, dtype=np.uint32) for size in (300, 20))
    prefixes = tuple(np.concatenate([[0], np.cumsum(string + 1)]).astype(np.uint64) for string in (text, pattern))
    ones = np.ones(21, dtype=np.uint64)
    candidates = np.flatnonzero(piece_candidates(*prefixes, ones, 6))
    found, _, _ = count_mismatches((text, pattern), prefixes, ones, candidates, 5)
    distances = hamming_distances(text, pattern)
    np.testing.assert_array_equal(found, np.minimum(distances[candidates], 6))
    assert set(np.flatnonzero(distances <= 5)) <= set(candidates)


def test_fingerprints_are_of_prefixes():
    string = np.array([3, 0, 7], dtype=np.uint32)
    base = int(powers(1)[1])
    assert fingerprints(string).tolist() == [0, 4, (4 * base + 1) % 2**64, (4 * base**2 + base + 8) % 2**64]
    assert powers(3).tolist() == [pow(base, exponent, 2**64) for exponent in range(4)]


@pytest.mark.parametrize(("m", "g"), [(512, 3), (1023, 2), (2**14, 2), (2**16 - 1, 2), (2**16, 1), (127, 4)])
def test_packing_limit(m, g):
    base = 2 ** int(np.ceil(np.log2(m + 1)))
    assert packing_limit(m) == g
    assert m * base ** (2 * (g - 1)) <= 2**49 < m * base ** (2 * g)


@pytest.mark.parametrize(("m", "seeds"), [(127, 3), (512, 3), (2**14, 1)])
@pytest.mark.parametrize("sigma", [4, 5])
def test_packing_is_exact_at_its_limit(m, seeds, sigma):
    for seed in range(seeds):
        strings = relabel(*Recipe("uniform", 5 * m, m, sigma, 0, 1).draw(np.random.default_rng(seed)))
        work = Counter()
        packed = packed_matches(strings, np.arange(sigma), packing_limit(m), work)
        np.testing.assert_array_equal(packed, paired_matches(strings, np.arange(sigma), Counter()))
        groups, blocks = -(-sigma // packing_limit(m)), block_count(strings.shifts, m)
        assert work["fft_points"] == transform_cost(m) * (groups * (blocks + 1) + blocks)


def test_no_digit_overflows_where_all_pairs_fall_together():
    """A text of one letter puts all m pairs on one digit; two letters in turns put them on the outermost ones."""
    m = 512
    for text, pattern in (([0], [0]), ([0, 1, 2], [0, 1, 2]), ([0, 2], [2, 0]), ([2], [0, 1, 2])):
        strings = [np.resize(np.array(word, dtype=np.uint32), size) for word, size in ((text, 5 * m), (pattern, m))]
        for g in (1, 2, 3):
            found = PackedFft(letters=g).distances(*strings, Counter())
            np.testing.assert_array_equal(found, hamming_distances(*strings))


def test_packing_beyond_its_limit_is_noticed():
    text, pattern = Recipe("uniform", 2**13, 2**11, 4, 0, 1).draw(np.random.default_rng(0))
    for g in (3, 4):  # sums up to 2^59 and 2^83
        with pytest.raises(ArithmeticError, match="float64 does not carry"):
            packed_matches(relabel(text, pattern), np.arange(4), g, Counter())
    with pytest.raises(ValueError, match="carries 1 to 2 letters at m = 2048, not 3"):
        PackedFft(letters=3).distances(text, pattern, Counter())
    with pytest.raises(ValueError, match="not 0"):
        PackedFft(letters=0).distances(text, pattern, Counter())


def test_packing_divides_the_transforms():
    text, pattern = Recipe("uniform", 2**13, 2**9, 30, 0, 1).draw(np.random.default_rng(0))
    work = [Counter(), Counter()]
    for g, counted in zip((1, 3), work, strict=True):
        PackedFft(letters=g).distances(text, pattern, counted)
    blocks = block_count(text.size - pattern.size + 1, pattern.size)
    inverse = transform_cost(pattern.size) * blocks
    assert (work[0]["fft_points"] - inverse) == 3 * (work[1]["fft_points"] - inverse)


def test_no_letters_cost_nothing():
    strings, work = relabel(WORD, PART), Counter()
    none = np.arange(0)
    assert packed_matches(strings, none, 1, work).tolist() == [0] * 8
    assert paired_matches(strings, none, work).tolist() == [0] * 8
    assert work.total() == 0


def test_pairs_are_those_of_equal_letters():
    work = Counter()
    Abrahamson(threshold=5).distances(WORD, PART, work)  # 5 a, 2 b, 1 c in the text; 2, 1, 1 in the pattern
    assert work == {"pair_updates": 13}


@given(strings=texts_and_patterns(), pair_cost=st.floats(0.01, 100), fft_cost=st.floats(0.01, 100))
@settings(max_examples=50, deadline=None)
def test_the_split_is_the_cheapest_of_all(strings, pair_cost, fft_cost):
    codes = relabel(*strings)
    if codes.letters > 8:
        codes = relabel(codes.text.astype(np.uint32) % 8, codes.pattern.astype(np.uint32) % 8)
    g = packing_limit(codes.m)
    packed, paired = TunedHybrid(pair_cost, fft_cost).split(codes, g)
    assert sorted([*packed, *paired]) == list(range(codes.letters))
    blocks = block_count(codes.shifts, codes.m)
    pairs = codes.text_counts * codes.pattern_counts

    def cost(chosen):
        groups = -(-len(chosen) // g)
        transforms = groups * (blocks + 1) + blocks * (groups > 0)
        return pair_cost * np.delete(pairs, chosen).sum() + fft_cost * transform_cost(codes.m) * transforms

    subsets = [[a for a in range(codes.letters) if choice >> a & 1] for choice in range(2**codes.letters)]
    assert cost(list(packed)) == pytest.approx(min(cost(np.array(subset, dtype=int)) for subset in subsets))


def test_the_work_of_the_worst_alphabet_grows_like_the_root():
    """The claim's slope, from the costs by which the letters are split (which are what is then counted)."""
    lengths, worst = [2**power for power in range(8, 15)], []
    model = TunedHybrid()
    for m in lengths:
        costs = []
        for sigma in (4, 8, 16, 32, 64, 128):
            strings = relabel(*Recipe("uniform", 2**17, m, sigma, 0, 1).draw(np.random.default_rng(0)))
            g, blocks = packing_limit(m), block_count(strings.shifts, m)
            packed, paired = model.split(strings, g)
            groups = -(-packed.size // g)
            transforms = groups * (blocks + 1) + blocks * (groups > 0)
            pairs = int(strings.text_counts[paired] @ strings.pattern_counts[paired])
            costs.append(model.pair_cost * pairs + model.fft_cost * transforms * transform_cost(m))
        worst.append(max(costs))
    assert 0.40 <= np.polyfit(np.log2(lengths), np.log2(worst), 1)[0] <= 0.65


def test_counted_work_is_that_of_the_split():
    text, pattern = Recipe("zipf", 2**13, 2**9, 200, 0, 1).draw(np.random.default_rng(0))
    strings, model, work = relabel(text, pattern), TunedHybrid(), Counter()
    model.distances(text, pattern, work)
    packed, paired = model.split(strings, packing_limit(strings.m))
    assert packed.size
    assert paired.size  # frequent letters one way, rare ones the other
    assert strings.pattern_counts[packed].min() >= strings.pattern_counts[paired].max() / 2
    assert work["pair_updates"] == strings.text_counts[paired] @ strings.pattern_counts[paired]
    assert work["fft_points"] > 0
    assert work.keys() <= UNIT_COST.keys()


def test_calibration_is_done_once_and_changes_no_answer():
    text, pattern = Recipe("zipf", 2**12, 2**8, 50, 0, 1).draw(np.random.default_rng(0))
    expected = hamming_distances(text, pattern)
    np.testing.assert_array_equal(TunedHybrid(calibrate=True).distances(text, pattern, Counter()), expected)
    assert all(cost > 0 for cost in measured_costs())
    assert measured_costs() is measured_costs()


def test_few_shifts_survive_where_the_text_is_random():
    text, pattern = Recipe("planted", 2**14, 2**9, 4, 4, 1).draw(np.random.default_rng(0))
    work = Counter()
    distances = PigeonholeKangaroo().bounded(text, pattern, 4, work)
    copies = np.count_nonzero(distances <= 4)
    assert copies == 8
    assert work["jumps"] <= 5 * copies
    assert work["comparisons"] == text.size + copies * pattern.size


@pytest.mark.parametrize("eps", [0.4, 0.2, 0.1])
def test_buckets_keep_their_bound_over_seeds(eps):
    inside = []
    for seed in range(10):
        task = ApproximateHammingDistances(**ApproximateHammingDistances.scales["smoke"] | {"sigma": 64, "eps": eps})
        instance = task.instance(Context(seed=seed))
        outcome = task.run(Bucket(), instance, Context(seed=100 + seed))
        inside.append(within_eps(instance, outcome))
        assert over_estimates(instance, outcome) == 0.0
    assert np.mean(inside) >= 0.95


def test_buckets_lose_the_expected_fraction():
    """One map loses a mismatch with probability 1 / buckets: the mean over maps shows it."""
    text, pattern = Recipe("uniform", 400, 100, 50, 0, 1).draw(np.random.default_rng(0))
    distances = hamming_distances(text, pattern)
    rng = np.random.default_rng(1)
    lost = [1 - (Bucket(maps=1).approx(text, pattern, 0.4, rng, Counter()) / distances).mean() for _ in range(300)]
    assert np.mean(lost) == pytest.approx(0.2, abs=5 * np.std(lost) / sqrt(300))


def test_bucket_work_is_about_one_over_eps():
    text, pattern = Recipe("uniform", 2**12, 2**10, 512, 0, 1).draw(np.random.default_rng(0))
    points = []
    for eps in (0.4, 0.2, 0.1):
        work = Counter()
        Bucket(maps=1).approx(text, pattern, eps, np.random.default_rng(0), work)
        points.append(work["fft_points"])
    assert 0.8 <= np.log2(points[2] / points[0]) / 2 <= 1.3


def test_outcomes_repeat_with_the_seed():
    text, pattern = Recipe("zipf", 2**12, 2**8, 50, 4, 1).draw(np.random.default_rng(0))
    runs = []
    for _ in range(2):
        work = Counter()
        rng = np.random.default_rng(7)
        answers = [model.distances(text, pattern, work) for model in EXACT]
        answers += [
            PigeonholeKangaroo().bounded(text, pattern, 4, work),
            Bucket().approx(text, pattern, 0.3, rng, work),
        ]
        runs.append((b"".join(answer.tobytes() for answer in answers), work))
    assert runs[0] == runs[1]


GOOD = np.zeros(4, dtype=np.uint32)


@pytest.mark.parametrize(
    ("text", "pattern", "message"),
    [
        (GOOD.astype(float), GOOD, "the text must hold unsigned integers, not float64"),
        (GOOD, GOOD.reshape(2, 2), "the pattern must be a one-dimensional array"),
        (GOOD, GOOD[:0], "the pattern is empty"),
        (GOOD[:3], GOOD, r"the pattern \(4 letters\) is longer than the text \(3\)"),
    ],
)
def test_bad_strings_are_refused(text, pattern, message):
    for model in EXACT:
        with pytest.raises(ValueError, match=message):
            model.distances(text, pattern, Counter())
    with pytest.raises(ValueError, match=message):
        PigeonholeKangaroo().bounded(text, pattern, 1, Counter())
    with pytest.raises(ValueError, match=message):
        Bucket().approx(text, pattern, 0.5, np.random.default_rng(0), Counter())


def test_bad_parameters_are_refused():
    with pytest.raises(ValueError, match="k must not be negative, not -1"):
        PigeonholeKangaroo().bounded(GOOD, GOOD, -1, Counter())
    for eps in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match="eps must be between 0 and 1"):
            Bucket().approx(GOOD, GOOD, eps, np.random.default_rng(0), Counter())
    for costs in ({"pair_cost": 0.0}, {"fft_cost": -1.0}, {"fft_cost": float("nan")}):
        with pytest.raises(ValueError, match="costs must be positive"):
            TunedHybrid(**costs).distances(GOOD, GOOD, Counter())


def test_the_card_lists_its_parts():
    roles = {name: role for name, role, _ in paper.models()}
    assert roles == {
        "tuned-hybrid": "construction",
        "packed-fft": "construction",
        "pigeonhole-kangaroo": "construction",
        "abrahamson": "baseline",
        "bucket": "baseline",
    }
    names = [claim.name for claim in paper.claims]
    assert names == ["ham-exact", "ham-sqrt-scaling", "ham-tuned-never-bad", "ham-k-bounded", "ham-approx-eps"]


def test_the_claims_cells_can_be_made():
    """Every task and model that a claim names exists and takes the parameters it gives."""
    tasks = {
        "discrete/hamming-distances": HammingDistances,
        "discrete/bounded-hamming-distances": BoundedHammingDistances,
        "discrete/approximate-hamming-distances": ApproximateHammingDistances,
    }
    for claim in paper.claims:
        for cell in claim.cells:
            for entry in cell["tasks"]:
                ((name, grid),) = entry.items()
                for parameter, values in grid.items():
                    for value in values if isinstance(values, list) else [values]:
                        tasks[name](**{parameter: value})
