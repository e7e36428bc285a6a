"""Records are data: an odd one is left out with a sentence, and ends neither a score nor a report."""

import pytest
from test_contract import ALL, Misleading, history, note

import mobench
from mobench.report.report import write_report
from mobench.scoring.result import NoPopulationError, Result

ODD = [
    {"one_shot": 0.5},
    {"one_shot": [0.5], "one_shot_X": 3},
    {"one_shot": [0.5, 0.5], "one_shot_X": [[0] * 6]},
    {"one_shot": ["a"], "one_shot_X": [[0] * 6]},
    {"one_shot": [[0.5]], "one_shot_X": [[0] * 6]},
    {"one_shot": [0.5], "one_shot_X": [[0, 1]]},
    {"one_shot": [0.5], "one_shot_X": [[0] * 5 + [99]]},
    {"one_shot": [None], "one_shot_X": [[0] * 6]},
    {"one_shot": None},
    {"population": 0.5},
    {"population": "all"},
    {"population": [0.5] * 6},
    {"population": [[1], [1, 2]]},
    {"population": [[-1] * 6]},
    {"population": {"a": 1}},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize("contract", ["mobench-2", "mobench-1"])
def test_an_odd_record_is_left_out_with_a_sentence_and_the_run_is_scored_as_without_it(odd, contract):
    def search(run):
        F = run.evaluate(X := run.space.sample(run.rng, 30))
        if odd is not None:
            run.record(**odd)
        run.record(population=X[:10], one_shot_X=X, one_shot=F[:, 0])

    result = mobench.run(search, "catsum", budget=40)
    assert len(result.faults) == 1
    assert result.faults[0].startswith("what was recorded after 30 answers is left out: ")
    found = result.measures(contract=contract), result.curve(contract=contract), result.one_shot_tau()
    odd = None
    result = mobench.run(search, "catsum", budget=40)
    assert result.faults == ()
    assert found[0] == result.measures(contract=contract)
    assert found[1].equals(result.curve(contract=contract))
    assert found[2] == result.one_shot_tau() == pytest.approx(1.0)


@pytest.mark.parametrize("odd", [0.5, "all", [0.5], [[1], [1, 2]], [[-1]], {"a": 1}, None], ids=str)
def test_where_populations_are_judged_an_odd_one_is_none_and_one_of_nobody_is_one(odd):
    problem = Misleading()
    records = [note(2, {"population": [[0], [1]]}), note(3, {"population": odd})]
    result = Result(problem, history(ALL, problem.seen, records=records), "finished")
    assert result.delivered(contract="evoxbench").tolist() == [[0], [1]]
    assert len(result.faults) == 1
    result = Result(problem, history(ALL, problem.seen, records=records[1:]), "finished")
    with pytest.raises(NoPopulationError):
        result.measures(contract="evoxbench")
    result = Result(problem, history(ALL, problem.seen, records=[note(2, {"population": []})]), "finished")
    assert result.delivered(contract="evoxbench").shape == (0, 1)
    assert result.faults == ()


def test_a_report_tells_of_odd_records_and_has_all_its_runs(tmp_path, monkeypatch):
    monkeypatch.setattr("mobench.report.drawings.OVERALL", ())
    (tmp_path / "odd.py").write_text(
        "def search(run):\n    run.evaluate(run.space.sample(run.rng, 20))\n    run.record(one_shot=0.5, loss=1.0)\n"
        "    run.record(**{'$\\\\odd{$': 2.0, '': 3.0})\n"
    )
    mobench.use_plugins([tmp_path / "odd.py"])
    campaign = mobench.make_campaign(
        {"name": "odd", "problems": ["catsum"], "searchers": ["odd", "random_search"], "seeds": 2, "budget": 20}
    )
    mobench.run_campaign(campaign, tmp_path / "results", workers=1, progress=False)
    page, text = write_report(tmp_path / "results")
    assert "INCOMPLETE" not in text
    said = page.read_text("utf-8")
    assert "Some of what it recorded cannot be read, and is left out." in said
    assert said.count("what was recorded after 20 answers is left out: one_shot_X: expected a list of") == 1
