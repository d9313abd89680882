"""Which cases run beside which."""

from __future__ import annotations

import harness

RECORDER = """
    from harness import hookimpl

    events = []

    @hookimpl
    def harness_case_started(case):
        events.append(("started", case.timed, case.id))

    @hookimpl
    def harness_case_finished(case):
        events.append(("finished", case.timed, case.id))
"""

MEETING = """
    import os
    import time
    from dataclasses import dataclass
    from pathlib import Path

    from harness import Paper

    @dataclass
    class Meeting:
        '''Waits for another one.'''

        folder: str
        number: int

        def guess(self, values, context):
            (Path(self.folder) / str(self.number)).touch()
            while len(os.listdir(self.folder)) < 2:
                time.sleep(0.01)
            return 1.0

    paper = Paper(title="Meeting", year=2026, venue="tests", baselines=[Meeting])
"""


def test_two_workers_run_two_cases_at_once(install, of, runs, tmp_path) -> None:
    install("meeting_papers", papers={"meeting": MEETING})
    (tmp_path / "place").mkdir()
    path = of({"meeting/meeting": {"folder": str(tmp_path / "place"), "number": [1, 2]}}, limits={"time": "60 s"})
    assert harness.run(path, store=runs, jobs=2).statuses == {"ok": 2}


def test_timed_cases_run_alone_and_last(install, of, runs) -> None:
    events = install("recording", hooks=RECORDER).events
    tasks = ["guessing/timed-guess", "guessing/guess"]
    harness.run(of("guessing/mean", "guessing/noisy", tasks=tasks, seeds=4), store=runs, jobs=2)
    order = [timed for _, timed, _ in events]
    assert order == sorted(order)
    alone = [(what, case) for what, timed, case in events if timed]
    assert [what for what, _ in alone] == ["started", "finished"] * 8
    assert all(begun[1] == ended[1] for begun, ended in zip(alone[::2], alone[1::2], strict=True))


def test_cases_share_processes_where_the_suite_says_so(install, of, runs) -> None:
    pids = """
    import os
    from dataclasses import dataclass

    from harness import Paper

    @dataclass
    class Pid:
        '''Guesses its process.'''

        number: int = 0

        def guess(self, values, context):
            return float(os.getpid())

    paper = Paper(title="Pid", year=2026, venue="tests", baselines=[Pid])
    """
    install("pid_papers", papers={"pid": pids})
    tasks = [{"guessing/guess": {"spread": 0.0}}]

    def processes(isolation: str, seeds: int) -> int:
        path = of({"pid/pid": {"number": [0, 1, 2]}}, tasks=tasks, seeds=seeds, isolation=isolation)
        frame = harness.run(path, store=runs, fresh=True).frame
        return frame[frame.metric == "error"].value.nunique()

    assert (processes("case", 2), processes("shared", 2)) == (6, 1)
    assert processes("shared", 40) == 3  # of 51, 51 and 18 cases
