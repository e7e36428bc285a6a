"""What goes into a paper: one command, LaTeX that is whole and short, figures as wide as a column, versions paired."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest

from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.cli.main import main
from mobench.harness.execute import execute
from mobench.report.latex import escaped, latex_pairs, latex_versions

OURS = """import numpy as np


def search(run, *, start: int = {start}):
    X = run.space.sample(run.rng, start)
    F = run.evaluate(X)
    while True:
        run.evaluate(run.space.neighbours(X[np.argmin(F[:, 0])])[:{width}])
        X = run.space.sample(run.rng, start)
        F = run.evaluate(X)
"""

CELL = 60
"""Letters that a cell may print."""

COLUMNS = {"single": 244.8, "double": 504.0}
"""Points: 3.4 and 7 inches."""


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two campaigns, one of each version of a searcher."""
    folders, plugin = [], tmp_path_factory.mktemp("versions") / "ours.py"
    for name, fill in (("before", {"start": 10, "width": 1}), ("after", {"start": 4, "width": 3})):
        plugin.write_text(OURS.format(**fill))
        entries = {"name": name, "plugins": [str(plugin)], "seeds": 3, "budget": 30}
        ours = {"name": "ours", "label": "Ours & more"}
        pairs = {"problems": ["catsum", {"name": "lotz", "bits": 6, "label": "[LOTZ]"}]}
        campaign = make_campaign(entries | pairs | {"searchers": [ours, "random_search"]})
        folders.append(plugin.parent / name)
        open_campaign(campaign, folders[-1])
        for spec in campaign.specs:
            execute(spec, folders[-1] / "runs" / spec.folder, campaign.sources)
    return folders


@pytest.fixture(scope="module")
def paper(two):
    command = ["paper", *map(str, two), "--statistic", "iqm", "--indicator", "igd_plus"]
    assert main(command) == 0
    return two[0] / "paper"


def printed(cell):
    """About what of a cell LaTeX prints."""
    text = re.sub(r"\\(textbf|scriptsize|allowbreak|text\w+|cdot)(\{\})?", "", cell)
    return re.sub(r"[{}$\\]", "", text).strip()


def lines_of(text):
    """Rows of a tabular, as lists of cells; its environment, its rules and its columns are checked on the way."""
    lines = text.splitlines()
    assert re.fullmatch(r"\\begin\{tabular\}\{.*\}", lines[0])
    assert lines[1] == r"\toprule"
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert text.count("{") == text.count("}")
    rows = [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in lines if line.endswith(r"\\")]
    columns = re.sub(r"@\{[^{}]*\}|\{[^{}]*\}", "", lines[0].removeprefix(r"\begin{tabular}{")[:-1])
    assert {len(row) for row in rows} == {len(columns)}
    assert not any(re.match(r"\s*[\[*]", line) for line in lines)  # would belong to the end of the line above
    return rows


def test_a_paper_has_its_tables_and_figures_by_one_command(paper):
    section = (paper / "experiments.tex").read_text("utf-8")
    named = re.findall(r"\\(?:input|includegraphics\[[^]]*\])\{\\mobench/([^}]*)\}", section)
    assert {"matrix", "pairs", "versions", "ecdf.pdf", "critical-difference.pdf", "anytime-catsum.pdf"} <= set(named)
    assert all((paper / (name if "." in name else f"{name}.tex")).exists() for name in named)
    assert section.count(r"\begin{") == section.count(r"\end{") == len(named)
    assert section.count(r"\caption{") == section.count(r"\label{") == len(named)
    assert "IGD+, interquartile mean of 3 runs after 30 evaluations" in section
    frame = pd.read_csv(paper / "matrix.csv")
    best = frame[frame["standing"] == "best"].drop_duplicates("problem")
    assert best["value"].tolist() == frame.groupby("problem", sort=False)["value"].min().tolist()


@pytest.mark.parametrize("stem", ["matrix", "pairs", "pairs-on-each", "versions"])
def test_tables_are_whole_and_their_cells_are_short(paper, stem):
    rows = lines_of((paper / f"{stem}.tex").read_text("utf-8"))
    assert len(rows) > 2
    assert max(len(printed(cell)) for row in rows for cell in row) <= CELL


def test_figures_are_as_wide_as_a_column(paper):
    section = (paper / "experiments.tex").read_text("utf-8")
    wide = dict.fromkeys(re.findall(r"width=\\textwidth\]\{\\mobench/([^}]*)\}", section), COLUMNS["double"])
    for path in paper.glob("*.pdf"):
        box = re.search(rb"/MediaBox \[([^]]*)\]", path.read_bytes())[1].split()
        assert float(box[2]) == pytest.approx(wide.get(path.name, COLUMNS["single"])), path.name
    assert set(wide) == {"medians.pdf"}


def test_versions_are_paired_with_the_numbers_of_their_pair(paper):
    versions, pairs = (pd.read_csv(paper / f"{stem}.csv") for stem in ("versions", "pairs"))
    assert versions["problem"].fillna("").tolist() == ["", "catsum", "[LOTZ]"]
    after, before = versions.loc[0, ["after", "before"]]
    assert {after, before} == {name for name in {*pairs["better"], *pairs["worse"]} if name.startswith("Ours & more")}
    pair = pairs[pairs[["better", "worse"]].isin([after, before]).all(axis=1)].iloc[0]
    sign = 1 if pair["better"] == after else -1
    assert versions.loc[0, "difference"] == pytest.approx(sign * pair["difference"])
    line = lines_of((paper / "versions.tex").read_text("utf-8"))[1]
    assert printed(line[2]) == "all"
    assert printed(line[3]) == versions.loc[0, "answer"]


def test_numbers_have_signs_and_powers_as_papers_print_them():
    row = {"after": "a", "before": "b", "problem": "", "answer": "hurt", "more_seeds": 0}
    text = latex_versions(pd.DataFrame([row | {"difference": -0.05, "low": -0.1, "high": 0.02}]))
    assert r"a & b & all & hurt & $-$0.0500 [$-$0.1000, $+$0.0200] & -- \\" in text
    pair = {"better": "a", "worse": "b", "verdict": "better", "improvement": 1.0, "low": 0.8, "high": 1.0}
    pair |= {"difference": np.nan, "difference_low": np.nan, "difference_high": np.nan}
    lines = latex_pairs(pd.DataFrame([pair | {"p_adjusted": 1.23e-5}, pair | {"p_adjusted": 0.031}])).splitlines()
    assert lines[4] == r"a & $>$ & b & $1.2 \cdot 10^{-5}$ & 1.00 [0.80, 1.00] & -- \\"
    assert " & 0.031 & " in lines[5]
    assert escaped("[x]*") == "{[}x]{*}"


def test_a_paper_of_a_folder_that_somebody_sent_writes_through_no_link(two, tmp_path, capsys):
    folder, outside = tmp_path / "sent", tmp_path / "outside"
    shutil.copytree(two[0], folder, ignore=shutil.ignore_patterns("paper"))
    outside.mkdir()
    (folder / "paper").symlink_to(outside)
    assert main(["paper", str(folder), "--plugin", str(two[0].parent / "ours.py")]) == 2
    assert not list(outside.iterdir())
    assert "paper" in capsys.readouterr().err
