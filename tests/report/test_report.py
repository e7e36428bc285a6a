"""The report: failures first, every number remade alike, hostile logs harmless, and a page that works in a browser."""

import hashlib
import html
import itertools
import json
import re
import shutil
import subprocess
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import orjson
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from mobench.analysis.advice import advise, scores_at
from mobench.analysis.analysis import TRUE_FRONT, Analysis
from mobench.analysis.matrix import STATISTICS, matrix
from mobench.analysis.measures import MEASURES
from mobench.analysis.versions import compare_versions, families
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import load_campaign, open_campaign
from mobench.campaigns.study import Study
from mobench.cli.main import main
from mobench.core.problem import Objective
from mobench.harness.execute import execute
from mobench.harness.sealed import seal
from mobench.harness.spec import RunSpec
from mobench.plugins.sources import use_plugins
from mobench.report.answer import answer_section, standing, tally
from mobench.report.front_panels import Front, view_front
from mobench.report.latex import latex_matrix, latex_pairs
from mobench.report.page import Beside, Code, Drawing, Section, Text
from mobench.report.report import write_report
from mobench.report.tables import Table, save_table, shown
from mobench.report.thinning import level, thinned
from mobench.report.versions import changes
from mobench.report.writing import render

EVIL = "</script><script>alert(1)</script><b title='x'>&amp;\"${}"
SEEDS = 3


def carry_out(folder, **changes):
    entries = {
        "name": folder.name,
        "problems": ["catsum", "lotz:bits=6"],
        "searchers": ["random_search", "nsga2:population=10"],
        "seeds": SEEDS,
        "budget": 40,
    }
    campaign = make_campaign(entries | changes)
    open_campaign(campaign, folder)
    for spec in campaign.specs:
        execute(spec, folder / "runs" / spec.folder)
    return campaign


@pytest.fixture
def few_figures(monkeypatch):
    """Only the figures that every problem has: drawing takes most of the time of a report."""
    monkeypatch.setattr("mobench.report.drawings.OVERALL", ())


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A campaign with a failed, a running and a missing run, whose logs say evil things, and its report."""
    folder = tmp_path_factory.mktemp("results") / "damaged"
    campaign = carry_out(folder)
    runs = {(s.problem, s.searcher, s.seed): folder / "runs" / s.folder for s in campaign.specs}
    end = runs["catsum", "nsga2", 0] / "end.json"
    document = json.loads(end.read_text())
    document |= {"reason": "failed", "error": f"ValueError: {EVIL}", "traceback": EVIL}
    document["host"]["name"] = EVIL
    end.write_text(json.dumps(document))
    (runs["catsum", "nsga2", 1] / "end.json").unlink()
    shutil.rmtree(runs["catsum", "nsga2", 2])
    page, text = write_report(folder)
    return folder, page, text


class Parts(HTMLParser):
    """Opening tags of a page, and whether every element is closed where it should be."""

    VOID = ("meta", "input", "br", "wbr", "link", "img", "hr")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_what_did_not_end_comes_first_and_is_counted_whole(damaged):
    _, page, text = damaged
    said = page.read_text(encoding="utf-8")
    assert "INCOMPLETE  1 failed, 1 running, 1 missing:" in text
    told = said.index("9 ended, 1 failed, 1 running, 1 missing, of 12 runs")
    assert told < said.index("the best mean rank, ") < said.index("Which searcher, on what, at which budget</h2>")
    assert "A failed run is scored by what it had delivered when it failed, and counts like any other." in said
    assert "; 1 of the runs here failed, scored by what they had delivered." in said
    assert "over 2 problems." in said
    frame = pd.read_csv(page.parent / "tables" / "runs.csv")
    assert frame["state"].value_counts().to_dict() == {"ended": 9, "failed": 1, "running": 1, "missing": 1}


def test_the_page_is_whole_and_asks_for_nothing(damaged):
    text = damaged[1].read_text(encoding="utf-8")
    parts = Parts(text)
    names = [attributes["id"] for _, attributes in parts.tags if "id" in attributes]
    assert len(names) == len(set(names))
    targets = {a["href"][1:] for tag, a in parts.tags if tag == "a" and a.get("href", "").startswith("#")}
    assert targets <= set(names)
    for tag, attributes in parts.tags:
        assert "src" not in attributes
        assert tag != "link"
        for key in ("href", "xlink:href"):
            assert not re.match(r"[a-z]+:|//", attributes.get(key, "")), attributes
        assert not any(key.startswith("on") for key in attributes)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style
    files = [a["href"] for tag, a in parts.tags if tag == "a" and not a["href"].startswith("#")]
    assert files
    assert all((damaged[1].parent / unquote(name)).exists() for name in files)


def test_everything_has_a_name_for_those_who_cannot_see_it(damaged):
    tags = Parts(damaged[1].read_text(encoding="utf-8")).tags
    figures = [a for tag, a in tags if tag == "svg" and a.get("aria-hidden") != "true"]
    assert figures
    assert all(a.get("aria-label") for a in figures)
    assert sum(tag == "table" for tag, _ in tags) == sum(tag == "caption" for tag, _ in tags)
    assert all(a.get("scope") in ("col", "row") for tag, a in tags if tag == "th")
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(np.diff(levels)) <= 1


def test_hostile_logs_are_text_and_nothing_else(damaged):
    text = damaged[1].read_text(encoding="utf-8")
    assert EVIL not in text
    assert "<script>alert" not in text
    assert html.escape("<script>alert(1)</script>") in text
    assert sum(tag == "b" for tag, _ in Parts(text).tags) == 0


@pytest.mark.long
def test_a_report_can_be_remade_byte_for_byte(damaged):
    folder, page, text = damaged
    before = {path: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    assert write_report(folder) == (page, text)
    after = {path: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    assert after == before
    assert {path.suffix for path in before} >= {".html", ".csv", ".tex", ".svg"}


def test_numbers_of_the_page_are_those_of_the_runs(damaged):
    folder, page, _ = damaged
    from mobench.scoring.load import load

    spec = next(s for s in load_campaign(folder).specs if s.problem == "lotz" and s.searcher == "random_search")
    frame = pd.read_csv(page.parent / "tables" / "runs.csv").set_index("run")
    row = frame.loc[str(spec.folder)]
    share = load(folder / "runs" / spec.folder).hypervolume()
    assert row["hypervolume"] == pytest.approx(share, rel=1e-15)  # older readers of CSV err in the last bit
    summary = pd.read_csv(page.parent / "tables" / "problem-lotz-bits=6.csv").set_index("searcher")
    mine = frame[(frame["problem"] == "lotz:bits=6") & (frame["searcher"] == "random_search")]
    assert summary.loc["random_search", "median"] == pytest.approx(mine["hypervolume"].median(), rel=1e-15)


def test_a_campaign_that_has_not_begun_has_a_report_too(tmp_path):
    open_campaign(make_campaign({"name": "new", "problems": ["catsum"], "searchers": ["nsga2"]}), tmp_path / "new")
    page, text = write_report(tmp_path / "new")
    assert "5 missing" in text
    assert "No run has ended yet" in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("few_figures")
def test_files_of_an_earlier_report_go_and_those_of_others_stay(tmp_path):
    folder = tmp_path / "grown"
    carry_out(folder, searchers=["random_search"], problems=["catsum", "lotz:bits=6"], seeds=1)
    page, _ = write_report(folder)
    (page.parent / "figures" / "mine.svg").write_text("by hand")
    record = json.loads((folder / "campaign.json").read_text())
    record["problems"] = record["problems"][:1]
    (folder / "campaign.json").write_text(json.dumps(record))
    write_report(folder)
    names = {path.name for path in page.parent.rglob("*") if path.is_file()}
    assert not [name for name in names if "lotz" in name]
    assert {"mine.svg", "anytime-catsum.svg", "problem-catsum.csv", "report.html"} <= names
    listed = json.loads((page.parent / "files.json").read_text())["files"]
    assert {name.rpartition("/")[2] for name in listed} == names - {"mine.svg", "files.json"}


def not_begun(folder):
    """A campaign of which nothing has run."""
    open_campaign(make_campaign({"name": folder.name, "problems": ["catsum"], "searchers": ["nsga2"]}), folder)
    return folder


def test_a_hostile_list_of_files_makes_a_report_delete_nothing(tmp_path):
    folder = not_begun(tmp_path / "one")
    mine = [tmp_path / "precious", folder / "campaign.json", folder / "report" / "notes.md", folder / "report" / "link"]
    (folder / "report").mkdir()
    for path in (mine[0], mine[2]):
        path.write_text("x")
    mine[3].symlink_to(mine[0])
    names = ["../campaign.json", "../runs", str(mine[0]), "../../precious", "notes.md", "link", "gone.csv", "."]
    digest = hashlib.sha256(b"x").hexdigest()
    odd = dict.fromkeys(names, digest[::-1]) | {name: digest for name in names if name != "notes.md"}
    for files in (names, odd, {"notes.md": 7}, 7):
        (folder / "report" / "files.json").write_text(json.dumps({"format": 1, "files": files}))
        write_report(folder)
        assert all(path.exists() for path in mine)


def test_a_report_of_a_folder_that_somebody_sent_writes_through_no_link(tmp_path, capsys):
    """Files that are links are replaced; folders that are links end the report in a line."""
    folder = not_begun(tmp_path / "sent")
    page, _ = write_report(folder)
    outputs = [path for path in page.parent.rglob("*") if path.is_file()]
    home = tmp_path / "home"
    home.mkdir()
    for path in outputs:
        path.unlink()
        path.symlink_to(home / path.name)
        (home / path.name).write_text("mine")
    write_report(folder)
    assert [path.name for path in outputs if path.is_symlink()] == []
    for name in ("report", "report/tables", "report/figures"):
        shutil.rmtree(folder / "report", ignore_errors=True)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(home)
        assert main(["report", str(folder)]) == 2
        said = capsys.readouterr().err.splitlines()
        assert re.fullmatch(r"mobench: error: .* is a symbolic link; nothing is written .*", said[-1])
        (folder / name).unlink()
    assert {path.read_text() for path in home.iterdir()} == {"mine"}
    assert len(list(home.iterdir())) == len(outputs)


def test_figures_and_exports_of_a_folder_that_somebody_sent_write_through_no_link(tmp_path, capsys):
    folder = not_begun(tmp_path / "sent")
    (tmp_path / "home").mkdir()
    (folder / "figures").symlink_to(tmp_path / "home")
    assert main(["plot", str(folder), "--kind", "states"]) == 2
    assert "figures: is a symbolic link" in capsys.readouterr().err
    (tmp_path / "to").mkdir()
    for name in ("runs.csv", "evaluations.csv", "contract.json"):
        (tmp_path / "to" / name).symlink_to(tmp_path / "home" / name)
    assert main(["export", str(folder), "--to", str(tmp_path / "to")]) == 0
    assert list((tmp_path / "home").iterdir()) == []


def test_errors_steer_no_terminal_and_no_file_of_a_report(tmp_path, capsys):
    folder = tmp_path / "odd"
    campaign = carry_out(folder, problems=["catsum"], searchers=["random_search"], seeds=1)
    end = folder / "runs" / campaign.specs[0].folder / "end.json"
    document = json.loads(end.read_text()) | {
        "reason": "failed",
        "error": "\x1b]0;gone\x07\n\n=1+1\x9b2J",
        "traceback": "",
    }
    end.write_text(json.dumps(document))
    assert main(["report", str(folder)]) == 0
    assert main(["export", str(folder), "--to", str(tmp_path / "to")]) == 0
    shown = capsys.readouterr()
    texts = [path.read_text("utf-8") for path in (*folder.rglob("report/**/*.*"), tmp_path / "to" / "runs.csv")
             if path.suffix in (".tex", ".csv", ".html", ".svg")]  # fmt: skip
    for text in (shown.out, shown.err, *texts):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    assert any("gone" in text for text in texts)
    (table,) = (path.read_text("utf-8") for path in folder.rglob("runs.tex"))
    assert "" not in table.splitlines()  # an empty line within a table ends it


@pytest.mark.usefixtures("few_figures")
def test_campaigns_that_agree_make_one_report_and_others_are_refused_in_a_line(tmp_path, capsys):
    few = {"problems": ["catsum"], "seeds": 2}
    carry_out(tmp_path / "a", **few, searchers=["random_search"])
    carry_out(tmp_path / "b", **few, searchers=["nsga2:population=10"])
    carry_out(tmp_path / "dear", **few, searchers=["nsga2:population=10"], budget=41)
    shutil.copytree(tmp_path / "b", tmp_path / "judged")
    record = json.loads((tmp_path / "b" / "campaign.json").read_text())
    (tmp_path / "judged" / "campaign.json").write_text(json.dumps(record | {"contract": "modnas"}))
    a = str(tmp_path / "a")
    assert main(["report", a, str(tmp_path / "b"), "--to", str(tmp_path / "both")]) == 0
    assert "a+b: 4 runs, 2 searchers, 1 problem, 2 seeds" in capsys.readouterr().out
    ranks = pd.read_csv(tmp_path / "both" / "tables" / "ranks.csv")
    assert sorted(ranks["searcher"]) == ["nsga2:population=10", "random_search"]
    assert (ranks["ended"] == 2).all()
    for other, message in (
        ("dear", "their budgets differ (41 evaluations, 40 evaluations); give campaigns of one budget"),
        ("judged", "their contracts differ (modnas, mobench-2); give campaigns of one contract"),
    ):
        assert main(["report", a, str(tmp_path / other), "--to", str(tmp_path / "none")]) == 2
        said = capsys.readouterr().err.strip()
        assert message in said
        assert said.count("\n") == 0
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("few_figures")
def test_recorded_numbers_are_drawn_and_tabled(tmp_path):
    campaign = carry_out(tmp_path / "c", problems=["catsum"], searchers=["random_search"], seeds=2)
    for spec in campaign.specs:
        with (tmp_path / "c" / "runs" / spec.folder / "log.jsonl").open("a") as log:
            log.writelines(f'{{"record":{{"one_shot_tau":{tau}}}}}\n' for tau in (0.25, 0.75))
        end = tmp_path / "c" / "runs" / spec.folder / "end.json"
        sealed = {"log": seal(end.with_name("log.jsonl").read_bytes())}
        end.write_bytes(orjson.dumps(orjson.loads(end.read_bytes()) | sealed))
    page, _ = write_report(tmp_path / "c")
    drawn = pd.read_csv(page.parent / "figures" / "diagnostics-catsum.csv")
    assert drawn[["quantity", "value"]].to_numpy().tolist() == [["one_shot_tau", 0.25], ["one_shot_tau", 0.75]] * 2
    table = pd.read_csv(page.parent / "tables" / "diagnostics-random_search.csv")
    assert table[["quantity", "times", "first", "last"]].to_numpy().tolist() == [["one_shot_tau", 2, 0.25, 0.75]]


def test_expected_running_times_and_difficulty_are_in_the_report(damaged):
    tables = damaged[1].parent / "tables"
    times = pd.read_csv(tables / "times-lotz-bits=6.csv")
    assert times.columns.tolist() == ["searcher", "10% missing", "1% missing", "0.1% missing"]
    assert sorted(times["searcher"]) == ["nsga2:population=10", "random_search"]
    difficulty = pd.read_csv(tables / "difficulty.csv").set_index("problem")
    summary = pd.read_csv(tables / "problem-catsum.csv").set_index("searcher")
    assert difficulty.loc["catsum", "floor"] == summary.loc["random_search", "median"]


def standings(values, axis="evaluations"):
    """Scores and curves of runs whose share rises in steps: {searcher: [[(spent, share), ...] a seed]}."""
    rows, steps = [], []
    for searcher, runs in values.items():
        for seed, line in enumerate(runs):
            key = {"problem": "p", "searcher": searcher, "seed": seed}
            rows.append({**key, "state": "ended", "hypervolume": line[-1][1]})
            steps += [{**key, axis: spent, "hypervolume": share} for spent, share in line]
    return pd.DataFrame(rows), pd.DataFrame(steps)


def test_scores_at_an_amount_are_what_was_delivered_by_then():
    scores, curves = standings({"a": [[(5, 0.2), (60, 0.9)]], "b": [[(30, 0.5)]]})
    assert scores_at(scores, curves, axis="evaluations", amount=10)["hypervolume"].tolist() == [0.2, 0.0]
    assert scores_at(scores, curves, axis="evaluations", amount=60)["hypervolume"].tolist() == [0.9, 0.5]
    waiting = scores.assign(state=["ended", "running"])
    assert np.isnan(scores_at(waiting, curves, axis="evaluations", amount=60)["hypervolume"].iloc[1])


def test_the_advice_changes_with_the_budget_and_names_who_is_not_told_apart():
    quick = [[(1, 0.5 + 0.001 * i)] for i in range(12)]
    slow = [[(1, 0.1), (90, 0.9 + 0.001 * i)] for i in range(12)]
    alike = [[(1, 0.1), (90, 0.9 + 0.001 * i + 0.0001)] for i in range(12)]
    table = advise(*standings({"quick": quick, "slow": slow, "alike": alike}), axis="evaluations", budget=100)
    assert table["spent"].tolist() == [10, 30, 100]
    assert table["best"].tolist() == ["quick", "quick", "alike"]
    assert table["peers"].tolist() == ["", "", ""]
    assert table["equal"].tolist() == ["", "", "slow"]
    strict = advise(*standings({"slow": slow, "alike": alike}), axis="evaluations", budget=100, margin=1e-5)
    assert strict["peers"].tolist()[-1] == "slow"
    assert table["worse"].tolist() == [2, 2, 1]


def scored(shares):
    """A report of made-up scores: {problem: {searcher: [share, ...] a seed]}}."""
    rows = [
        {"problem": problem, "searcher": searcher, "seed": seed, "state": "ended", "hypervolume": share}
        for problem, runs in shares.items()
        for searcher, values in runs.items()
        for seed, share in enumerate(values)
    ]
    scores = pd.DataFrame(rows).assign(log10_regret=-1.0, evaluations=10.0, igd_plus=0.1)
    curves = scores[["problem", "searcher", "seed", "evaluations", "hypervolume", "log10_regret"]]
    runs = tuple((RunSpec(row["problem"], row["searcher"], row["seed"], {"evaluations": 10}), Path()) for row in rows)
    made_up = Study("made-up", {"evaluations": 10}, "mobench-1", runs)
    return Analysis(made_up, "evaluations", scores, curves, {}, everyone=made_up.searchers)


def test_the_answer_says_ties_and_single_runs_and_counts_problems():
    few = scored({"p": {"a": [0.5], "b": [0.5], "random_search": [0.4]}})
    assert standing(few)[0].startswith(
        "After 10 evaluations, a and b are tied at the best mean rank, 1.50 of 3 searchers"
    )
    assert answer_section(few).blocks[0].items == (
        "p: a, b are tied, hypervolume share 0.5000 in their only run, which tells nothing about luck.",
    )
    good, bad = list(np.linspace(0.8, 0.9, 12)), list(np.linspace(0.1, 0.2, 12))
    many = {f"p{i}": {"a": bad if i == 3 else good, "random_search": good if i == 3 else bad} for i in range(10)}
    assert standing(scored(many))[0] == (
        "After 10 evaluations, a has the best mean rank, 1.10 of 2 searchers over 10 problems."
    )
    assert tally(scored(many))[0] == "a: best median on 9 problems, shown to be better than every other on 9."
    assert len(answer_section(scored(many)).blocks[0].items) == 10


def test_where_no_two_searchers_are_ranked_the_first_screen_says_why():
    running = scored({"p": {"a": [0.5, 0.6], "b": [np.nan]}, "q": {"a": [np.nan], "b": [np.nan]}})
    assert standing(running) == ("After 10 evaluations, only a has runs that are over: nothing can be compared yet.",)
    apart = scored({"p": {"a": [0.5], "b": [np.nan]}, "q": {"a": [np.nan], "b": [0.5]}})
    assert standing(apart) == (
        "After 10 evaluations, no problem has runs of all searchers: nothing can be compared yet.",
    )
    alone = standing(scored({"p": {"a": [0.5, 0.7, 0.6]}, "q": {"a": [0.1] * 3}}))
    assert alone[0] == "After 10 evaluations, with nothing to compare it with:"
    assert alone[1].startswith("p: a, hypervolume share 0.6000 in the median of 3 runs")
    assert len(alone) == 3


@pytest.mark.long
def test_the_answer_does_not_depend_on_the_order_of_searchers():
    rng = np.random.default_rng(0)
    runs = {name: list(np.round(rng.random(6), 1)) for name in ("b", "a", "random_search")}
    shares = {"p": {**runs, "c": runs["a"]}, "q": dict.fromkeys((*runs, "c"), [0.0] * 6)}

    def said(order):
        analysis = scored({p: {s: found[s] for s in order} for p, found in shares.items()})
        texts = [block for block in answer_section(analysis).blocks if isinstance(block, Text)]
        return [(block.lines, block.items) for block in texts] + [(standing(analysis), tally(analysis))]

    first = said(("a", "b", "c", "random_search"))
    assert any("q: nobody reached the box, so no searcher is best." in items for _, items in first)
    for order in itertools.permutations(("a", "b", "c", "random_search")):
        assert said(order) == first


@pytest.mark.long
@pytest.mark.usefixtures("few_figures")
@pytest.mark.parametrize("indicator", ["igd_plus", "epsilon", "r2", "area"])
def test_tables_and_tests_are_about_the_indicator_that_is_asked_for(damaged, tmp_path, indicator):
    folder, _, _ = damaged
    options = ["--indicator", indicator, "--margin", "0.02", "--to", str(tmp_path / "out")]
    assert main(["report", str(folder), *options]) == 0
    tables = tmp_path / "out" / "tables"
    runs, summary = pd.read_csv(tables / "runs.csv"), pd.read_csv(tables / "problem-lotz-bits=6.csv")
    mine = runs[runs["problem"] == "lotz:bits=6"].groupby("searcher")[indicator].median()
    table = summary.set_index("searcher")
    assert table["median"].to_dict() == pytest.approx(mine.to_dict())
    best = mine.idxmax() if indicator == "area" else mine.idxmin()
    assert table.loc[best, "rank"] < 2
    assert (table["low"] <= table["median"] + 1e-12).all()
    assert (table["median"] <= table["high"] + 1e-12).all()
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert f"--indicator {indicator} --margin 0.02" in text
    assert "equal: the means differ by less than 0.02" in text


DEAD = """\"\"\"Random search that fails at once on one problem, and on the other on some seeds.\"\"\"


def search(run):
    if len(run.space.cardinalities) == 6 or run.rng.random() < 0.5:
        raise RuntimeError("dead")
    while True:
        run.evaluate(run.space.sample(run.rng, 10))
"""


@pytest.mark.long
@pytest.mark.usefixtures("few_figures")
@pytest.mark.parametrize("indicator", MEASURES)
def test_runs_that_deliver_nothing_rank_last_and_delete_no_problem(tmp_path, monkeypatch, indicator):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dead.py").write_text(DEAD)
    use_plugins(["dead.py"])
    carry_out(Path("results/dead"), searchers=["random_search", "dead"], plugins=["dead.py"], seeds=6)
    page, text = write_report("results/dead", indicator=indicator)
    ranks = pd.read_csv(page.parent / "tables" / "ranks.csv").set_index("searcher")
    (dead,) = (name for name in ranks.index if name.startswith("dead"))
    assert ranks["problems"].tolist() == [2, 2]
    assert ranks.loc[dead, "mean_rank"] == 2
    assert ranks.loc["random_search", "mean_rank"] == 1
    assert ranks["iqm"].notna().all()
    summary = pd.read_csv(page.parent / "tables" / "problem-lotz-bits=6.csv").set_index("searcher")
    assert summary.loc[dead, "median"] == (0 if MEASURES[indicator].maximise else np.inf)
    assert summary.loc["random_search", "rank"] == 1
    pairs = pd.read_csv(page.parent / "tables" / "pairs.csv")
    assert (pairs["better"][0], pairs["verdict"][0]) == ("random_search", "better")
    advice = pd.read_csv(page.parent / "tables" / "advice.csv")
    assert (advice["best"] == "random_search").all()
    if not MEASURES[indicator].maximise:
        assert " inf " in text.partition("lotz:bits=6")[2]
        assert 'data-v="Infinity"' in page.read_text("utf-8")


@pytest.mark.long
@pytest.mark.usefixtures("few_figures")
@pytest.mark.parametrize("indicator", MEASURES)
def test_where_nobody_delivers_anything_nobody_is_best(tmp_path, monkeypatch, indicator):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dead.py").write_text(DEAD)
    (tmp_path / "gone.py").write_text(DEAD)
    use_plugins(["dead.py", "gone.py"])
    carry_out(
        Path("results/dead"), problems=["lotz:bits=6"], searchers=["dead", "gone"], plugins=["dead.py", "gone.py"]
    )
    page, _ = write_report("results/dead", indicator=indicator)
    assert pd.read_csv(page.parent / "tables" / "ranks.csv")["mean_rank"].tolist() == [1.5, 1.5]
    assert pd.read_csv(page.parent / "tables" / "pairs.csv")["verdict"].tolist() == ["undecided"]
    assert "nobody reached the box" in page.read_text("utf-8")


def test_the_constants_of_the_contract_are_in_the_report_with_their_checksum(damaged):
    _, page, _ = damaged
    written = (page.parent / "tables" / "contract.json").read_bytes()
    assert hashlib.sha256(written).hexdigest() in page.read_text("utf-8")
    found = json.loads(written)["catsum"]
    assert {"ideal", "nadir", "reference", "volume"} <= set(found)
    rows = pd.read_csv(page.parent / "tables" / "constants.csv")
    assert rows.loc[rows["problem"] == "catsum", "ideal"].tolist() == found["ideal"]
    assert "size" in pd.read_csv(page.parent / "tables" / "problem-catsum.csv")


def test_fronts_keep_direction_and_scale():
    frame = pd.DataFrame({"architecture": ["a", "b", "c"], "error": [3.0, 2.0, 1.0], "cost": [1.0, 10.0, 1000.0]})
    front = Front("f", "", (Objective("error"), Objective("cost", "M")), {TRUE_FRONT: frame}, {})
    panel = view_front(front)["panels"][0]
    x = [float(dot["x"]) for dot in panel["series"][0]["dots"]]
    y = [float(dot["y"]) for dot in panel["series"][0]["dots"]]
    assert x[1] - x[0] == pytest.approx((x[2] - x[1]) / 2, abs=0.2)  # decades: logarithmic
    assert y == sorted(y)  # less error lies lower on the page, where y is larger
    assert [tick["text"] for tick in panel["x"]["ticks"]] == ["1", "10", "100", "1000"]
    assert panel["series"][0]["stairs"].startswith(f"M{x[0]} {y[0]}V{y[0]}H{x[1]}V{y[1]}")


def test_tables_are_saved_unrounded_and_shown_rounded(tmp_path):
    frame = pd.DataFrame({"searcher": ["a_b & c%", "d", "[e]"], "median": [1 / 3, np.nan, 1.0]})
    paths = save_table(Table("t", "caption", frame, {"median": ".2f"}), tmp_path)
    assert pd.read_csv(paths[0])["median"].iloc[0] == 1 / 3
    latex = paths[1].read_text(encoding="utf-8")
    assert r"a\_b \& c\% & 0.33 \\" in latex
    assert r"d & -- \\" in latex
    assert r"{[}e] & 1.00 \\" in latex  # else it would be an argument of the end of the line before
    assert all(rule in latex for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    assert shown(True) == "yes"


def test_any_text_is_safe_on_the_page():
    blocks = (Text((EVIL,)), Table("t", EVIL, pd.DataFrame({EVIL: [EVIL, EVIL]})))
    text = render(EVIL, EVIL, [Section(EVIL, blocks, (Section(f"{EVIL},a:b", blocks[:1]),))])
    assert EVIL not in text
    assert ",<wbr>a:<wbr>b</h3>" in text  # where a line may end
    assert sum(tag == "b" for tag, _ in Parts(text).tags) == 0


def test_a_page_stays_small_whatever_is_in_it_and_says_what_it_left_out():
    rows = pd.DataFrame({"run": [f"run {i} {EVIL}" for i in range(3_000)], "value": np.arange(3_000) / 7})
    few = Table("few", "Few.", rows.head(5), best=[4])
    members = pd.DataFrame({"architecture": map(str, range(2_000)), "error": np.arange(2_000.0)})
    front = Front("f", "Points.", (Objective("error"),), {"a": members}, {"a": "red"})
    drawing = Drawing(f'<svg viewBox="0 0 9 9"><path d="{"L 1.123456 2 " * 9_000}"/></svg>', "Course.", "", ("c.svg",))
    blocks = (few, Table("many", "Many.", rows), front, drawing, Code("x" * 300_000))
    assert len(render("t", "", [Section("s", blocks)], limit=10**9)) > 1_300_000
    small = render("t", "", [Section("s", blocks)], limit=400_000)
    assert len(small) < 450_000
    assert "The first " in small
    assert " of 3,000 rows" in small
    assert " of 2,000 points, evenly along each set" in small
    assert "L 1.12 2" in small
    assert thinned(few, 0.1) == few  # ten rows stay, whatever there is
    tiny = render("t", "", [Section("s", blocks)], limit=100_000)
    assert "Course. Too large for this page: its files have it." in tiny
    Parts(tiny)
    assert level([10, 20, 90, 100], 100) == 35


def test_of_a_page_that_is_too_large_the_first_screen_and_the_smaller_figures_stay():
    def figure(name, size):
        path = "L 1.12 2 " * (size // 9)
        return Drawing(f'<svg viewBox="0 0 9 9"><path d="{path}"/></svg>', f"{name}.", "")

    names = {f"figure{k}": 10_000 * k for k in range(2, 12)}
    course, others = figure("course", 50_000), [figure(name, size) for name, size in names.items()]
    sections = [Section("lead", (Beside((), (course,)),), open=True), Section("rest", tuple(others))]
    page = render("t", "", sections, limit=600_000)
    assert "course. Too large" not in page
    assert [name for name in names if f"{name}. Too large" in page] == ["figure11"]
    assert 500_000 < len(page) < 650_000
    assert "course. Too large" in render("t", "", sections, limit=60_000)  # it alone would take most of it


def test_a_change_is_answered_by_the_verdicts_with_the_interval_of_its_paired_differences():
    rng = np.random.default_rng(0)
    luck = 0.05 * rng.standard_normal(10)  # a seed's, which both versions share
    before, gain = 0.5 + luck, 0.003 + 0.001 * rng.standard_normal(10)
    shares = {
        "p": {"m:a=1": list(before), "m:a=2": list(before + gain), "other": [0.1] * 10},
        "q": {"m:a=1": [0.5] * 10, "m:a=2": [0.6 + 0.001 * i for i in range(10)], "other": [0.1] * 10},
    }
    analysis = scored(shares)
    found = compare_versions(families(analysis.study.searchers), analysis.pairs, analysis.pairs_on_each)
    assert found[["after", "before"]].drop_duplicates().to_numpy().tolist() == [["m:a=2", "m:a=1"]]
    rows = found.set_index("problem")
    interval = ttest_rel(before + gain, before).confidence_interval(0.99)
    assert rows.loc["p", ["difference", "low", "high"]].tolist() == pytest.approx([gain.mean(), *interval])
    assert rows.loc["p", "high"] < 0.01  # unpaired it would be ten times as wide
    assert rows["answer"].to_dict() == {"": "helped", "p": "equal", "q": "helped"}
    (said,) = changes(analysis)
    assert "of 2 problems taken alone: helped on 1 (q), equal on 1" in said
    worse = scored({p: {"m:a=2": runs["m:a=2"], "m:a=1": runs["m:a=1"]} for p, runs in shares.items()})
    turned = compare_versions(families(worse.study.searchers), worse.pairs, worse.pairs_on_each).set_index("problem")
    assert turned.loc["q", "answer"] == "hurt"
    assert turned.loc["q", "difference"] == pytest.approx(-rows.loc["q", "difference"])
    few = scored({"p": {"m:a=1": [0.5, 0.52, 0.51], "m:a=2": [0.53, 0.55, 0.515]}})
    (undecided,) = changes(few)
    assert re.search(r"m:a=2 against m:a=1: undecided, .*about \d+ more seeds would decide\.", undecided)
    assert changes(few, of_code=True) == ()


def plain_runs(seed, level_of):
    rng = np.random.default_rng(seed)
    return {name: list(mean + 0.002 * rng.standard_normal(8)) for name, mean in level_of.items()}


def test_the_matrix_marks_what_the_verdicts_say():
    """Bold is the best median; a mark is the verdict on the pair with it, whichever statistic stands in the cell."""
    shares = {
        "p": plain_runs(0, {"a": 0.90, "b": 0.8995, "c": 0.80}),
        "q": {"a": [0.5], "b": [0.6], "c": [0.4]},
        "r": dict.fromkeys("abc", [0.0] * 6),
    }
    analysis = scored(shares)
    tests = analysis.pairs_on_each.set_index(["problem", "better", "worse"])["verdict"]
    for statistic in STATISTICS:
        frame = matrix(analysis.scores, analysis.pairs_on_each, statistic=statistic).set_index(["problem", "searcher"])
        best = frame.loc["p", "value"].idxmax()
        other = "b" if best == "a" else "a"
        assert frame.loc[("p", best), "standing"] == "best"
        told = tests.get(("p", best, other), tests.get(("p", other, best)))
        assert (frame.loc[("p", other), "standing"], told) in (("equal", "equal"), ("worse", "better"))
        assert frame.loc[("p", "c"), "standing"] == "worse"
        assert frame.loc["q", "standing"].to_dict() == {"a": "open", "b": "best", "c": "open"}  # one run tells nothing
        assert set(frame.loc["r", "standing"]) == {""}  # nobody reached anything
    values = np.array(shares["p"]["a"])
    means = matrix(analysis.scores, analysis.pairs_on_each, statistic="mean").set_index(["problem", "searcher"])
    assert means.loc[("p", "a"), "value"] == pytest.approx(values.mean())
    assert means.loc[("p", "a"), "deviation"] == pytest.approx(values.std(ddof=1))
    middle = matrix(analysis.scores, analysis.pairs_on_each, statistic="iqm").set_index(["problem", "searcher"])
    assert middle.loc[("p", "a"), "value"] == pytest.approx(np.sort(values)[2:6].mean())


def test_the_matrix_in_latex_is_bold_where_best_and_marked_where_not_told_apart():
    analysis = scored({"p_1": plain_runs(1, {"a": 0.9, "b_2": 0.8995, "c": 0.80}), "q": {"a": [0.5], "c": [0.4]}})
    frame = matrix(analysis.scores, analysis.pairs_on_each)
    text = latex_matrix(frame, problems=["p_1", "q"], searchers=["a", "b_2", "c"], ranks={"a": 1, "b_2": 2, "c": 3.0})
    lines = text.splitlines()
    assert lines[0] == r"\begin{tabular}{lrrr}"
    assert lines[2] == r" & a & b\_\allowbreak{}2 & c \\"
    assert all(line.count("&") == 3 for line in lines if line.endswith(r"\\"))
    assert sum(r"\textbf" in line for line in lines) == 3
    assert "$^{=}$" in lines[4]
    assert lines[5].count(r"{\scriptsize [") == 3
    assert lines[6] == r"q & \textbf{0.5000} & -- & 0.4000$^{?}$ \\"
    pairs = latex_pairs(analysis.pairs_on_each).splitlines()
    assert all(line.count("&") == 6 for line in pairs if line.endswith(r"\\"))
    assert max(map(len, pairs)) < 120


def test_assets_go_with_the_package():
    from mobench.report.writing import ASSETS

    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    declared = settings["tool"]["setuptools"]["package-data"]
    endings = {path.suffix for path in ASSETS.iterdir()}
    assert endings == {".html", ".css", ".js"}
    assert "assets/*" in declared["mobench.report"]


PROBE = """
const said = {};
document.getElementById("unfold").click();
const table = document.getElementById("table-runs");
const column = (i) => [...table.querySelectorAll("tbody tr:not([hidden])")].map((row) => row.cells[i].textContent);
const heading = (text) => [...table.querySelectorAll("th button")].find((b) => b.textContent === text);
const share = heading("hypervolume").parentNode.cellIndex;
heading("hypervolume").click(); said.up = column(share);
said.sort = heading("hypervolume").parentNode.ariaSort;
heading("hypervolume").click(); said.down = column(share);
const input = table.querySelector("input");
input.value = "NSGA2 lotz"; input.dispatchEvent(new Event("input"));
said.filtered = column(1); said.counted = table.querySelector("output").textContent;
const svg = document.querySelector(".front .panel");
const press = (key, on) => on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
svg.focus(); press("ArrowRight", svg);
const first = document.activeElement;
press("ArrowRight", first);
said.moved = first.classList.contains("dot") && document.activeElement !== first;
const tip = svg.parentNode.querySelector(".tip");
said.tip = tip.textContent; said.shown = !tip.hidden; said.label = document.activeElement.getAttribute("aria-label");
svg.parentNode.querySelector(".legend button").click();
said.hidden = svg.querySelector('.series[data-s="0"]').classList.contains("hidden");
const ground = () => getComputedStyle(document.body).backgroundColor;
const before = ground(); document.getElementById("theme").click(); said.theme = [before, ground()];
const [indicator, statistic] = document.querySelectorAll(".grid select");
const cells = () => [...document.querySelectorAll("#matrix td span")].map((cell) => cell.textContent);
said.matrix = [cells()]; statistic.value = "mean"; statistic.dispatchEvent(new Event("change", { bubbles: true }));
said.matrix.push(cells()); said.caption = document.getElementById("matrix-said").textContent;
said.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
document.body.dataset.said = JSON.stringify(said);
"""


@pytest.fixture(scope="module")
def browsed(damaged, tmp_path_factory):
    """What a browser finds on the page, once the probe has clicked and typed there."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no Chromium here to open the page with")
    folder = tmp_path_factory.mktemp("browser")
    text = damaged[1].read_text(encoding="utf-8").replace("</body>", f"<script>{{{PROBE}}}</script></body>")
    (folder / "page.html").write_text(text, encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [*command, "--dump-dom", (folder / "page.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'data-said="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))


def test_tables_sort_with_what_is_absent_last(browsed):
    up, down = ([float(v) for v in browsed[way] if v != "\N{EN DASH}"] for way in ("up", "down"))
    assert up == sorted(up)
    assert down == sorted(up, reverse=True)
    absent = ["\N{EN DASH}"] * 2  # of the running run and the missing one: the failed one has a score as far as it came
    assert browsed["up"][-2:] == browsed["down"][-2:] == absent
    assert "\N{EN DASH}" not in browsed["up"][:-2]
    assert browsed["sort"] == "ascending"


def test_tables_filter_by_words(browsed):
    assert browsed["filtered"] == ["nsga2:population=10"] * SEEDS
    assert browsed["counted"] == f"{SEEDS} of 12 rows"


def test_keys_lead_to_architectures(browsed):
    assert browsed["moved"]
    assert browsed["shown"]
    assert re.search(r"\d{6}.*error.*cost", browsed["tip"])
    assert re.search(r"\d{6}, error .*, cost ", browsed["label"])
    assert browsed["hidden"]


def test_the_matrix_changes_with_the_statistic_chosen(browsed, damaged):
    frame = pd.read_csv(damaged[1].parent / "tables" / "matrix.csv")
    mine = frame[frame["indicator"] == "hypervolume share"].set_index("statistic")
    for found, statistic in zip(browsed["matrix"], ("median", "mean"), strict=True):
        assert sorted(found[:4]) == sorted(f"{value:.4f}" for value in mine.loc[statistic, "value"])
    assert browsed["matrix"][0] != browsed["matrix"][1]
    assert "mean and standard deviation of 1 to 3 runs" in browsed["caption"]


def test_the_theme_can_be_changed_and_nothing_is_fetched(browsed):
    assert browsed["theme"][0] != browsed["theme"][1]
    assert browsed["requests"] == []


@pytest.mark.usefixtures("few_figures")
def test_names_and_order_are_those_that_a_campaign_or_the_command_gives(tmp_path, capsys):
    """They change nothing that is run, stand in every table and sentence, and the label stays in the text."""
    folder = tmp_path / "named"
    mine = {"name": "nsga2", "population": 10, "label": "Ours & <more>", "order": 1}
    campaign = carry_out(folder, problems=["catsum"], searchers=["random_search", mine], seeds=2)
    assert campaign.searchers == (("random_search", {}), ("nsga2", {"population": 10}))
    assert load_campaign(folder).labels == campaign.labels
    page, text = write_report(folder, labels={"random_search": "Random", "catsum": "Sum"})
    assert "nsga2" not in text
    assert "Random" in text
    written = html.unescape(page.read_text("utf-8"))
    assert "nsga2:population=10. " in written
    tables = page.parent / "tables"
    frame = pd.read_csv(tables / "matrix.csv")
    assert list(dict.fromkeys(frame["searcher"])) == ["Ours & <more>", "Random"]
    assert set(frame["problem"]) == {"Sum"}
    assert r"Ours \& \textless{}more\textgreater{}" in (tables / "matrix.tex").read_text()
    assert pd.read_csv(tables / "difficulty.csv")["floor"].notna().all()  # the baseline is known by its label
    for labels, message in (
        (["nsga2:population=10=Random", "random_search=Random"], "would both be called 'Random'"),
        (["nsga3=Ours"], "label: unknown 'nsga3'"),
        (["nsga2"], "expected LABEL=NAME"),
        (["random_search=true front"], "nothing can be called 'true front'"),
    ):
        arguments = [word for label in labels for word in ("--label", label)]
        assert main(["report", str(folder), *arguments]) == 2
        assert message in capsys.readouterr().err
    stem = str(tmp_path / "figure")
    plot = ["plot", str(folder), "--kind", "anytime", "-s", "Ours & <more>", "--to", stem, "--format", "svg"]
    assert main(plot) == 0
    assert set(pd.read_csv(f"{stem}.csv")["searcher"]) == {"Ours & <more>"}


@pytest.mark.usefixtures("few_figures")
def test_problems_whose_labels_differ_only_in_odd_letters_or_far_behind_have_files_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # short labels
    header = 'data = "{0}.csv"\ngenes = ["g"]\nobjectives = [{{ name = "a" }}, {{ name = "b" }}]\n'
    for k, name in enumerate(("t/one", "t-one", "größe", "grüße", "n" * 200 + "a", "n" * 200 + "b")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.toml").write_text(header.format(Path(name).name), "utf-8")
        (tmp_path / f"{name}.csv").write_text(f"g,a,b\n0,1,2\n1,2,{k}\n", "utf-8")
    problems = [f"table:path={path}" for path in sorted(Path().rglob("*.toml"))]
    folder = tmp_path / "results"
    carry_out(folder, problems=problems, searchers=["random_search"], seeds=1, budget=2)
    assert len({path.parent for path in folder.rglob("log.jsonl")}) == 6
    page, _ = write_report(folder)
    assert len(list((page.parent / "tables").glob("problem-*.csv"))) == 6
    assert len(list((page.parent / "figures").glob("anytime-*.svg"))) == 6
    names = [a["id"] for _, a in Parts(page.read_text(encoding="utf-8")).tags if "id" in a]
    assert len(names) == len(set(names))


@pytest.mark.usefixtures("few_figures")
def test_a_name_with_dollars_that_are_no_mathematics_ends_no_figure_and_no_report(tmp_path, capsys):
    names = (r"$\nonsense{$", "a $x$ b $", "$$", r"$\frac{1}$")
    objectives = ", ".join(f"{{ name = '{name}', seen = 'a' }}" for name in names)
    (tmp_path / "t.toml").write_text(f'data = "t.csv"\ngenes = ["g"]\nobjectives = [{objectives}]\n')
    (tmp_path / "t.csv").write_text("g,a\n0,1\n1,2\n")
    folder = tmp_path / "dollars"
    carry_out(folder, problems=[f"table:path={tmp_path / 't.toml'}"], searchers=["random_search"], seeds=1, budget=2)
    page, _ = write_report(folder)
    assert r"\nonsense{" in page.read_text("utf-8")
    plot = ("plot", str(folder), "--format", "svg,pdf", "--kind")
    assert main([*plot, "attainment", "--objectives", ",".join(names[:2])]) == 0
    assert main([*plot, "parallel"]) == 0


@pytest.mark.usefixtures("few_figures")
def test_limits_are_told_drawn_and_in_the_tables(tmp_path):
    problem = "motif:objectives=[error<=4,latency:cpu_b64<=4],noise=true"
    carry_out(tmp_path / "limited", problems=[problem], searchers=["nsga2"], seeds=[1], budget=200)
    page, _ = write_report(tmp_path / "limited")
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert "objectives error [%], latency:cpu_b64 [ms]; within error <= 4 %, latency:cpu_b64 <= 4 ms." in text
    assert "<title>error <= 4 %</title>" in text
    tables = page.parent / "tables"
    assert pd.read_csv(tables / "constants.csv")["limit"].tolist() == ["error <= 4 %", "latency:cpu_b64 <= 4 ms"]
    assert json.loads((tables / "contract.json").read_text())[
        "motif:noise=true,objectives=[error<=4,latency:cpu_b64<=4]"
    ]["limits"] == {"error": 4.0, "latency:cpu_b64": 4.0}
    (found,) = (pd.read_csv(path) for path in tables.glob("front-*.csv"))
    mine = found[found["set"] == "nsga2"]
    assert ((mine["feasible"] == "yes") == (mine["error"] <= 4)).all()
    assert set(mine["feasible"]) == {"yes", "no"}
    assert (found[found["set"] == "true front"][["error", "latency:cpu_b64"]] <= 4).all(axis=None)
    assert r"error\textless{}=4" in (tables / "problems.tex").read_text()
