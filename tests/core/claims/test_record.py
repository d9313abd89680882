"""From the results of a run to verdicts as plain values."""

from __future__ import annotations

import json

from harness.claims.record import judge
from harness.claims.verdicts import VERDICTS, write_verdicts


def test_a_record_holds_all_that_is_needed_to_redo_it(chosen, executed) -> None:
    pair = chosen("stating/mean-beats-shifted", "stating/curve-is-low", scale="claim")
    store, run = executed(pair)
    first, second = judge(pair, store.table(run), store.record(run), tested=False)
    assert (first["claim"], first["verdict"], first["reason"]) == ("stating/mean-beats-shifted", "held", "")
    assert (first["cells"], first["seeds"], first["scale"], first["run"]) == (8, [0, 1, 2, 3], "claim", run)
    assert first["telling"] in first["findings"]
    assert first["seconds"] > 0
    assert {"cpu", "cores", "python"} <= first["machine"].keys()
    assert "guessing/shifted" in first["suite"]
    assert second["seeds"] == [0, 1, 2]
    assert "self_test" not in first


def test_a_test_of_the_check_is_recorded_where_it_was_asked_for(chosen, executed) -> None:
    pair = chosen("stating/mean-beats-shifted", "stating/error-is-positive", scale="claim")
    store, run = executed(pair)
    good, useless = (one["self_test"] for one in judge(pair, store.table(run), store.record(run), tested=True))
    assert (good["passed"], good["complaint"], good["trials"]["too little"]) == (True, "", "inconclusive")
    assert not useless["passed"]
    assert useless["complaint"].startswith("still holds with results ")


def test_verdicts_are_json_and_do_not_depend_on_the_run(chosen, executed, tmp_path) -> None:
    claims = chosen("stating", scale="claim")
    verdicts = []
    for _ in range(2):
        store, run = executed(claims)
        records = judge(claims, store.table(run), store.record(run), tested=True)
        write_verdicts(tmp_path, records)
        assert json.loads((tmp_path / VERDICTS).read_text()) == records
        verdicts.append([{**record, "run": "", "date": ""} for record in records])
    assert verdicts[0] == verdicts[1]
