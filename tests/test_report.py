"""The report: failures first, every number remade alike, hostile logs harmless, and a page that works in a browser."""

import html
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from mobench.advice import advise, scores_at
from mobench.campaign import load_campaign, make_campaign, open_campaign
from mobench.cli import main
from mobench.commands.run import _campaign
from mobench.execute import execute
from mobench.page import Section, Text, render
from mobench.page_fronts import TRUE_FRONT, Front, view_front
from mobench.problem import Objective
from mobench.provenance import command_to_run
from mobench.report import write_report
from mobench.tables import Table, save_table, shown

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

    VOID = ("meta", "input", "br", "link", "img", "hr")

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
    assert told < said.index("Which searcher, on what, at which budget</h2>")
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


def test_a_report_can_be_remade_byte_for_byte(damaged):
    folder, page, text = damaged
    before = {path: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    assert write_report(folder) == (page, text)
    after = {path: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    assert after == before
    assert {path.suffix for path in before} >= {".html", ".csv", ".tex", ".svg", ".pdf"}


def test_numbers_of_the_page_are_those_of_the_runs(damaged):
    folder, page, _ = damaged
    from mobench.result import load

    spec = next(s for s in load_campaign(folder).specs if s.problem == "lotz" and s.searcher == "random_search")
    frame = pd.read_csv(page.parent / "tables" / "runs.csv").set_index("run")
    row = frame.loc[str(spec.folder)]
    assert row["hypervolume"] == load(folder / "runs" / spec.folder).hypervolume()
    summary = pd.read_csv(page.parent / "tables" / "problem-lotz-bits=6.csv").set_index("searcher")
    mine = frame[(frame["problem"] == "lotz:bits=6") & (frame["searcher"] == "random_search")]
    assert summary.loc["random_search", "median"] == mine["hypervolume"].median()


def test_a_single_run_has_a_report_and_a_command_that_makes_it_again(tmp_path):
    campaign = carry_out(tmp_path / "one", problems=["lotz:bits=6"], searchers=["nsga2:population=10"], seeds=[3])
    run = tmp_path / "one" / "runs" / campaign.specs[0].folder
    page, text = write_report(run, to=tmp_path / "out")
    assert page == tmp_path / "out" / "report.html"
    assert "1 run, 1 searcher, 1 problem, 1 seed" in text
    command = shlex.split(command_to_run(run))
    assert command[:2] == ["python", "-c"]
    assert "mobench.run('nsga2:population=10', 'lotz:bits=6', budget={'evaluations': 40}, seed=3)" in command[2]


def test_a_campaign_that_has_not_begun_has_a_report_too(tmp_path):
    open_campaign(make_campaign({"name": "new", "problems": ["catsum"], "searchers": ["nsga2"]}), tmp_path / "new")
    page, text = write_report(tmp_path / "new")
    assert "5 missing" in text
    assert "No run has ended yet" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("seeds", [4, [2, 5]])
def test_the_command_makes_the_same_campaign(tmp_path, monkeypatch, seeds):
    entries = {
        "name": "a",
        "problems": ["catsum", "nasbench_graph:dataset=cora,objectives=[error,params]"],
        "searchers": ["nsga2:population=10", "random_search"],
        "seeds": seeds,
        "budget": {"evaluations": 30, "asked": 90.5},
    }
    campaign = make_campaign(entries)
    open_campaign(campaign, tmp_path)
    found = []
    monkeypatch.setattr("mobench.engine.run_campaign", lambda c, *_, **__: found.append(c) or pytest.skip)
    monkeypatch.setattr("mobench.commands.run.run", lambda args: found.append(_campaign(args)) or 0)
    assert main(shlex.split(command_to_run(tmp_path))[1:]) == 0
    assert found[0].document == campaign.document


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
    assert table["peers"].tolist() == ["", "", "slow"]
    assert table["worse"].tolist() == [2, 2, 1]


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
    frame = pd.DataFrame({"searcher": ["a_b & c%", "d"], "median": [1 / 3, np.nan]})
    paths = save_table(Table("t", "caption", frame, {"median": ".2f"}), tmp_path)
    assert pd.read_csv(paths[0])["median"].iloc[0] == 1 / 3
    latex = paths[1].read_text(encoding="utf-8")
    assert r"a\_b \& c\% & 0.33 \\" in latex
    assert r"d & -- \\" in latex
    assert all(rule in latex for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    assert shown(True) == "yes"


def test_any_text_is_safe_on_the_page():
    text = render(EVIL, EVIL, [Section(EVIL, (Text((EVIL,)), Table("t", EVIL, pd.DataFrame({EVIL: [EVIL, EVIL]}))))])
    assert EVIL not in text
    assert sum(tag == "b" for tag, _ in Parts(text).tags) == 0


def test_assets_go_with_the_package():
    from mobench.page import ASSETS

    declared = tomllib.loads((ASSETS.parent.parent / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-data"
    ]
    endings = {path.suffix for path in ASSETS.iterdir()}
    assert endings == {".html", ".css", ".js"}
    assert "assets/*" in declared["mobench"]


PROBE = """
const said = {};
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
    assert browsed["up"][-3:] == browsed["down"][-3:] == ["\N{EN DASH}"] * 3
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


def test_the_theme_can_be_changed_and_nothing_is_fetched(browsed):
    assert browsed["theme"][0] != browsed["theme"][1]
    assert browsed["requests"] == []
