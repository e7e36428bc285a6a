"""Very long labels of searchers leave room for what figures show; a layout that fails warns, which is an error here."""

from pathlib import Path

import pytest
from matplotlib.text import Text

from mobench.analysis.reading import read_analysis
from mobench.cli.main import main
from mobench.figures.kinds import KINDS, draw
from mobench.figures.names import LONGEST, short_names
from mobench.figures.registry import Selection
from mobench.figures.saving import save_figure

SEARCHERS = ("nsga2", "nsga2:population=8", "nsga2:population=9", "nsga3:population=8", "moead", "smsemoa", "grid")
PROBLEMS = ("catsum", "motif", "motif:objectives=[error,flops]")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Eight searchers, seven of which begin with a file far down, two of which differ only in the middle."""
    base = tmp_path_factory.mktemp("long")
    file = base / "of-many-years" / "and-of-many-people" / "architectures-of-an-earlier-search.csv"
    file.parent.mkdir(parents=True)
    file.write_text("genes\n1 1 1 1 1 1\n2 2 2 2 2 2\n")
    run = ["run", "-b", "12", "--seeds", "2", "-q", "-w", "1", "--name", "x", "--results", str(base)]
    for problem in PROBLEMS:
        run += ["-p", problem]
    for searcher in SEARCHERS:
        run += ["-s", f"{searcher}{',' if ':' in searcher else ':'}start={file}"]
    assert main([*run, "-s", "random_search"]) == 0
    return base / "x"


@pytest.fixture(scope="module")
def analysis(results):
    return read_analysis([results])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("difference", "diagnostics", "architecture")])
@pytest.mark.parametrize("width", ["single", "double"])
def test_figures_show_short_names_and_tables_whole_ones(analysis, kind, width, tmp_path):
    figure, data = draw(analysis, kind, Selection("motif" if KINDS[kind].of_one_problem else "", width=width))
    save_figure(figure, data, tmp_path / "it", formats=("png",))
    shown = " ".join(text.get_text() for text in figure.findobj(Text))
    assert "of-many-people" not in shown
    told = data.to_csv()
    assert kind == "states" or "of-many-people" in told


def test_a_report_of_long_names_says_nothing_on_layouts(results, capsys):
    assert main(["report", str(results)]) == 0
    assert "constrained" not in capsys.readouterr().err


def test_short_names_stay_apart():
    long = [f"nsga2:start={Path('/data') / folder / ('of-many-years-' * 4)}.csv" for folder in "abc"]
    names = short_names(["random_search", *long])
    assert names["random_search"] == "random_search"
    assert len(set(names.values())) == 4
    assert all(len(name) <= LONGEST for name in names.values())
    assert list(names.values())[2].endswith("#2")
