"""Backends reach the workers; those that are not there are skipped."""

from __future__ import annotations

import harness

FAKE = """
    from dataclasses import dataclass
    from typing import ClassVar

    from harness import Backend, hookimpl

    @dataclass(frozen=True)
    class Abacus(Backend):
        device: ClassVar[str] = "cpu"
        beads: int = 10
        there: bool = True

        def unavailable(self):
            return None if self.there else "no abacus here"

    @hookimpl
    def harness_backends():
        return [Abacus]
"""

READER = """
    import os
    from harness import Paper

    class Beads:
        def guess(self, values, context):
            return float(context.backend.beads)

    class Threads:
        def guess(self, values, context):
            return float(context.backend.threads)

    class Variable:
        def guess(self, values, context):
            return float(os.environ["OMP_NUM_THREADS"])

    class Bits:
        def guess(self, values, context):
            return float(context.backend.dtype.removeprefix("float"))

    paper = Paper(title="Reader", year=2026, venue="tests", baselines=[Beads, Threads, Variable, Bits])
"""


def test_a_backend_of_a_plugin_is_used_with_its_options(install, of, runs) -> None:
    install("abacus_hooks", hooks=FAKE)
    install("reading_papers", papers={"reader": READER})
    models = ("reader/beads", "reader/threads", "reader/variable", "reader/bits")
    backends = [{"abacus": {"beads": 7, "threads": [1, 2], "dtype": "float64"}}]
    frame = harness.run(of(*models, tasks=[{"guessing/guess": {"spread": 0.0}}], backends=backends), store=runs).frame
    errors = frame[frame.metric == "error"]
    values = {model: list(group.value) for model, group in errors.groupby("model")}
    assert values == {
        "reader/beads": [7, 7],
        "reader/threads": [1, 2],
        "reader/variable": [1, 2],
        "reader/bits": [64, 64],
    }


def test_a_backend_that_is_not_there_is_skipped_with_its_reason(install, of, runs) -> None:
    install("abacus_hooks", hooks=FAKE)
    result = harness.run(of("guessing/mean", backends=["cpu", {"abacus": {"there": False}}], seeds=2), store=runs)
    skipped = result.frame[result.frame.status == "skipped"]
    assert result.exit_code == 0
    assert result.statuses == {"ok": 2, "skipped": 2}
    assert set(skipped.backend) == {"abacus"}
    assert list(skipped.error) == ["no abacus here"] * 2
    assert skipped.value.isna().all()


def test_what_was_skipped_runs_when_its_backend_is_there(install, of, runs, monkeypatch) -> None:
    hooks = install("abacus_hooks", hooks=FAKE)
    path = of("guessing/mean", backends=["abacus"])
    with monkeypatch.context() as patch:
        patch.setattr(hooks.Abacus, "unavailable", lambda self: "gone")
        assert harness.run(path, store=runs).statuses == {"skipped": 1}
    assert harness.run(path, store=runs).statuses == {"ok": 1}


def test_cuda_is_skipped_where_torch_or_the_driver_lacks_it(of, runs, cli, monkeypatch) -> None:
    monkeypatch.setattr("harness.accelerators._torch_build", lambda: "cuda: Optional[str] = None")
    said = cli("run", of("guessing/mean", backends=["cuda"]))
    assert said.exit_code == 0
    assert "1 skipped, cuda: the installed torch is built without CUDA" in said.stderr
