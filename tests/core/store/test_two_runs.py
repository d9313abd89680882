"""Two runs at once into one store."""

from __future__ import annotations

import os
import subprocess
import sys

from harness.store.check import problems
from harness.store.store import Store

SHARING = """
    import os
    from dataclasses import dataclass

    from harness import Paper


    def made(folder):
        with open(os.path.join(folder, "made"), "a") as file:
            file.write("x")
        return {"weight": 0.25}


    @dataclass
    class Sharing:
        '''Guesses with a part that is expensive to make.'''

        folder: str

        def guess(self, values, context):
            return float(context.cached(made, folder=self.folder)["weight"])


    paper = Paper(title="Sharing", year=2026, venue="tests", constructions=[Sharing])
"""


def test_two_runs_at_once_are_whole_and_equal_and_a_third_reuses_them(install, of, runs, cli, tmp_path) -> None:
    install("shared", papers={"sharing": SHARING})
    path = of("guessing/mean", {"sharing/sharing": {"folder": str(tmp_path)}}, seeds=10)
    command = [sys.executable, "-m", "harness", "run", str(path), "--store", str(runs), "--no-mlflow", "-j2"]
    both = [subprocess.Popen(command, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "ab"]
    ended = [(process.communicate()[1], process.returncode) for process in both]
    assert [code for _, code in ended] == [0, 0], ended
    store = Store(runs)
    first, second = store.runs()
    assert [problem for run in (first, second) for problem in problems(store, run)] == []
    columns = ["key", "case", "status", "metric", "value", "coordinates"]
    tables = [
        store.table(run).select(columns).sort_by([("key", "ascending"), ("metric", "ascending")])
        for run in (first, second)
    ]
    assert tables[0].equals(tables[1])
    assert (tmp_path / "made").read_text() == "x"
    third = cli("run", path)
    assert third.exit_code == 0
    assert {*store.table(store.find(None))["reused_from"].to_pylist()} <= {first, second}
    assert "20 reused, 0 to run" in third.stderr
