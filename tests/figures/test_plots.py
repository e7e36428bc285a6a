"""Figures: what is drawn is what the data say, attainment agrees with its definition, files are fit for a paper."""

import contextlib
import importlib
import itertools
import pkgutil
import re
import subprocess
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

import moocore
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import mobench.figures
from mobench import Objective
from mobench.analysis.attainment import attained_difference, attainment, staircase
from mobench.analysis.reading import read_analysis
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.cli.main import main
from mobench.core.budget import AXES
from mobench.core.capabilities import Drawable
from mobench.figures import kinds
from mobench.figures.architecture import plot_architecture
from mobench.figures.attainment import plot_attainment
from mobench.figures.chosen import colours
from mobench.figures.course import plot_anytime
from mobench.figures.difference import plot_attainment_difference
from mobench.figures.fronts import plot_fronts
from mobench.figures.insight import plot_agreement, plot_diagnostics, thin
from mobench.figures.kinds import KINDS, draw
from mobench.figures.parallel import plot_parallel
from mobench.figures.ranks import plot_critical_difference, plot_rank_heatmap
from mobench.figures.registry import REGISTERED, Selection, register
from mobench.figures.saving import save_figure
from mobench.figures.standings import plot_ecdf, plot_ranks_over_time
from mobench.figures.style import AXIS_LABELS, palette, wrapped
from mobench.harness.execute import execute
from mobench.problems._cells import space as _cell
from mobench.problems.tables import motif
from mobench.problems.tables.nasbench_graph import LINKS, OPERATIONS, NASBenchGraph

TWO = (Objective("error", "%"), Objective("size", "M"))
points = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=0, max_size=6)
fronts = st.lists(points.map(lambda rows: np.array(rows, dtype=float).reshape(-1, 2)), min_size=1, max_size=7)
GRID = np.array(list(itertools.product(range(8), range(8))), dtype=float)


def attains(F, place):
    return bool(len(F)) and bool((F <= place).all(axis=1).any())


# --- what sets attain ---


@settings(max_examples=40)
@given(fronts, st.sampled_from([10, 50, 90, 100]))
def test_a_surface_holds_the_places_that_so_many_runs_attain(runs, level):
    surface = attainment(runs, level)
    for place in GRID:
        share = np.mean([attains(F, place) for F in runs])
        assert attains(surface, place) == (share >= level / 100 - 1e-9)


@settings(max_examples=40)
@given(st.integers(1, 5).flatmap(lambda n: st.tuples(*[st.lists(points.filter(len), min_size=n, max_size=n)] * 2)))
def test_differences_agree_with_moocore_where_it_computes_them(pair):
    first, second = ([np.array(rows, dtype=float) for rows in side] for side in pair)
    x, y, difference = attained_difference(first, second)
    tables = [
        np.concatenate([np.column_stack([F, np.full(len(F), i + 1.0)]) for i, F in enumerate(side)])
        for side in (first, second)
    ]
    rectangles = []
    with contextlib.suppress(ValueError):  # moocore fails where there is no difference at all
        rectangles = moocore.eafdiff(*tables, rectangles=True)
    middles = [np.append(ticks[:-1] + 0.5 * np.diff(ticks), ticks[-1] + 0.5) for ticks in (x, y)]
    for i, j in itertools.product(range(len(x)), range(len(y))):
        place = np.array([middles[0][i], middles[1][j]])
        covering = [r[4] for r in rectangles if (r[:2] <= place).all() and (place < r[2:4]).all()]
        assert difference[i, j] == pytest.approx((covering[0] if covering else 0) / len(first))


def test_a_difference_is_of_shares_so_that_numbers_of_runs_may_differ():
    one, half = [np.array([[1.0, 1.0]])], [np.array([[1.0, 1.0]]), np.empty((0, 2))]
    assert attained_difference(one, half)[2].tolist() == [[0.5]]


@settings(max_examples=40)
@given(points.filter(len))
def test_a_staircase_bounds_what_is_attained(rows):
    F = np.array(rows, dtype=float)
    line = staircase(F, np.array([8.0, 8.0]))
    assert (np.diff(line, axis=0).prod(axis=1) == 0).all(), "every step is upright or level"
    assert (np.diff(line[:, 0]) >= 0).all()
    assert (np.diff(line[:, 1]) <= 0).all()
    for place in GRID:
        below = [y for (x, y) in line if x <= place[0]]
        assert attains(F, place) == (bool(below) and place[1] >= min(below))


def test_a_staircase_of_three_points():
    F = np.array([[2.0, 2.0], [1.0, 3.0], [2.5, 2.5]])
    assert staircase(F).tolist() == [[1, 3], [2, 3], [2, 2]]
    assert staircase(np.empty((0, 2))).shape == (0, 2)


# --- drawn as the data say ---

RNG = np.random.default_rng(3)
RUNS = {name: [RNG.random((5, 2)) + shift for _ in range(4)] for name, shift in (("a", 0.1), ("b", 0.3))}


def line_data(figure, label):
    return next(line.get_xydata() for ax in figure.axes for line in ax.get_lines() if line.get_label() == label)


def test_attainment_of_a_mirrored_objective_is_the_mirror_image():
    plain = plot_attainment(RUNS, TWO)[1]
    mirrored = {name: [F * [1, -1] for F in runs] for name, runs in RUNS.items()}
    figure, data = plot_attainment(mirrored, (TWO[0], Objective("size", "M", maximise=True)))
    pd.testing.assert_frame_equal(data.assign(size=-data["size"]), plain)
    assert figure.axes[0].get_xlim()[0] < 0


def test_a_difference_of_a_mirrored_objective_is_the_mirror_image():
    plain = plot_attainment_difference(RUNS, TWO)[1]
    mirrored = {name: [F * [1, -1] for F in runs] for name, runs in RUNS.items()}
    data = plot_attainment_difference(mirrored, (TWO[0], Objective("size", "M", maximise=True)))[1]
    pd.testing.assert_frame_equal(data.assign(size_from=-data["size_from"], size_to=-data["size_to"]), plain)


def test_attainment_is_of_two_objectives_and_of_runs_that_delivered():
    with pytest.raises(ValueError, match="two objectives, found error, size, error"):
        plot_attainment(RUNS, (*TWO, TWO[0]))
    with pytest.raises(ValueError, match="no run delivered anything"):
        plot_attainment({"a": [np.empty((0, 2))]}, TWO)
    with pytest.raises(ValueError, match="expected two searchers, found a"):
        plot_attainment_difference({"a": RUNS["a"]}, TWO)


def test_a_difference_s_cells_are_those_that_differ():
    sets = {"a": [np.array([[1.0, 1.0]])], "b": [np.array([[1.0, 2.0]])]}
    data = plot_attainment_difference(sets, TWO)[1]
    assert data[["error_from", "size_from", "size_to", "difference"]].to_numpy().tolist() == [[1, 1, 2, 1]]


def test_anytime_draws_the_mean_and_its_band():
    values = np.array([[-1.0, -2.0], [-3.0, -4.0]])
    figure, data = plot_anytime({"a": values}, np.array([1.0, 10.0]), axis="evaluations")
    assert line_data(figure, "a").tolist() == [[1, -2], [10, -3]]
    half = 12.706205  # Student's t of one degree of freedom, times a standard error of 1
    assert data[["mean", "low", "high"]].to_numpy() == pytest.approx(
        np.array([[-2, -2 - half, -2 + half], [-3, -3 - half, -3 + half]])
    )
    assert figure.axes[0].get_xlabel() == "unique evaluations"


def test_a_single_amount_makes_a_figure_without_warnings():
    figure, data = plot_anytime({"a": np.array([[-1.0, -1.0]])}, np.array([5.0, 5.0]), axis="evaluations")
    assert figure.axes[0].get_xlim() == (2.5, 10)
    assert data["mean"].tolist() == [-1, -1]


def test_long_labels_leave_room_for_the_figure():
    problems = [f"nasbench_graph:dataset={name},objectives=[error,latency,params]" for name in ("citeseer", "proteins")]
    ranks = pd.DataFrame({"nsga2:population=100": [1.0, 2.0], "random_search": [2.0, 1.0]}, index=problems)
    figure, data = plot_rank_heatmap(ranks)
    assert data["problem"].tolist() == [*problems, "mean"]
    assert figure.axes[0].get_yticklabels()[0].get_text().replace("\n", "") == problems[0]
    figure.draw_without_rendering()  # a layout without room would be warned of
    assert figure.axes[0].get_position().width > 0.25


def test_an_ecdf_starts_at_nothing_and_goes_on_to_the_common_end():
    steps = pd.DataFrame({"searcher": ["a", "a", "b"], "runtime": [2.0, 5.0, 9.0], "solved": [0.5, 0.75, 0.25]})
    figure, data = plot_ecdf(steps.assign(problems=1, runs=2), axis="trainings")
    assert line_data(figure, "a").tolist() == [[2, 0], [2, 0.5], [5, 0.75], [9, 0.75]]
    assert line_data(figure, "b").tolist() == [[9, 0], [9, 0.25], [9, 0.25]]
    assert len(data) == 3
    assert figure.axes[0].get_legend().get_title().get_text() == "1 problem, up to 2 runs"


def test_curves_that_lie_on_each_other_are_both_seen():
    steps = pd.DataFrame({"searcher": ["a", "b"], "runtime": [2.0, 2.0], "solved": [0.5, 0.5]})
    figure, _ = plot_ecdf(steps.assign(problems=2, runs=1), axis="trainings")
    assert len({line.get_linestyle() for line in figure.axes[0].get_lines()}) == 2


def test_lines_of_small_print_break_in_no_number_and_no_token():
    note = "N = 5, k = 4; bars: not told apart (sign flips by seed, Holm, 5 %)"
    assert "5\N{NO-BREAK SPACE}%)" in wrapped(note, "single").splitlines()[-1]
    cell = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_1x1~1|skip_connect~2|"
    figure, _ = plot_architecture([("input", "output", "skip")], values={}, text=cell)
    lines = figure.get_supxlabel().splitlines()
    assert "".join(lines) == cell
    assert all(line[0] == line.rstrip("+")[-1] == "|" for line in lines)


def test_attainment_over_more_than_a_decade_has_a_logarithmic_axis():
    runs = [np.array([[2.0, 5.0], [90.0, 1.0]])] * 3
    figure, _ = plot_attainment({"a": runs}, (Objective("error"), Objective("cost")))
    assert (figure.axes[0].get_yscale(), figure.axes[0].get_xscale()) == ("log", "linear")


def test_ranks_over_time_share_ties():
    lines = {"p": {"a": np.array([[-1.0, -2.0]]), "b": np.array([[-1.0, -1.0]])}}
    data = plot_ranks_over_time(lines, np.array([1.0, 2.0]), axis="evaluations")[1]
    assert data["rank"].tolist() == [1.5, 1, 1.5, 2]


def test_a_critical_difference_bar_joins_its_members():
    figure, data = plot_critical_difference({"b": 2.5, "a": 1.25, "c": 2.25}, [["b", "c"], ["a"]], note="N = 9")
    assert data["searcher"].tolist() == ["a", "c", "b"]
    assert data["groups"].tolist() == ["", "1", "1"]
    bars = [line.get_xdata().tolist() for line in figure.axes[0].get_lines() if line.get_linewidth() == 2.5]
    assert bars == [[2.25, 2.5]]


def test_a_heatmap_orders_searchers_by_mean_rank():
    ranks = pd.DataFrame({"a": [2.0, 2.0], "b": [1.0, 1.0]}, index=["p", "q"])
    data = plot_rank_heatmap(ranks)[1]
    assert data.columns.tolist() == ["problem", "b", "a"]
    assert data.iloc[-1].tolist() == ["mean", 1, 2]


def test_agreement_is_kendall_s_tau():
    answers = pd.DataFrame({"searcher": "a", "seen": [1.0, 2, 3, 4], "scored": [1.0, 2, 4, 3]})
    assert plot_agreement(answers, label="error [%]")[1]["tau"].unique() == pytest.approx([2 / 3])


def test_parallel_coordinates_put_better_low():
    objectives = (Objective("error"), Objective("accuracy", maximise=True), Objective("size"))
    figure, _ = plot_parallel({"a": np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])}, objectives)
    heights = [segment[:, 1].tolist() for segment in figure.axes[0].collections[0].get_segments()]
    assert heights == [[0, 0, 0], [1, 1, 1]]
    assert all(line.get_ydata().tolist() == [0, 1] for line in figure.axes[0].get_lines())  # values stand beyond


# --- colours, sizes, files ---


def test_a_searcher_keeps_its_colour_when_others_join():
    names = [f"s{i}" for i in range(27)]
    colours = palette(names)
    assert palette(names[:3]) == {name: colours[name] for name in names[:3]}
    assert len({tuple(np.round(to_rgb(colour), 3)) for colour in colours.values()}) == 27
    light = [np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722]) for colour in palette(names[:18]).values()]
    assert max(light) < 0.68  # a line of it is seen on white
    assert all(max(colour) - min(colour) > 0.03 for colour in colours.values()), "grey is the true front's"


def test_files_are_vector_with_fonts_embedded_and_equal_bytes(tmp_path):
    figure, data = plot_attainment_difference(RUNS, TWO)
    files = save_figure(figure, data, tmp_path / "one" / "x", formats=("pdf", "svg", "png"))
    assert [path.name for path in files] == ["x.pdf", "x.svg", "x.png", "x.csv"]
    again = save_figure(*plot_attainment_difference(RUNS, TWO), tmp_path / "x", formats=("pdf", "svg"))
    assert [path.read_bytes() for path in again[:2]] == [path.read_bytes() for path in files[:2]]
    svg = files[1].read_text()
    assert "<text" in svg
    assert float(svg.split('width="')[1].split("pt")[0]) == pytest.approx(3.4 * 72)
    pd.testing.assert_frame_equal(pd.read_csv(files[-1]), data, check_exact=False)


def embedded(pdf):
    """Names of the fonts of a PDF, each of which must carry its own TrueType outlines; and the width of its page."""
    parts = re.finditer(rb"(\d+) 0 obj\n(.*?)endobj", pdf, re.DOTALL)
    objects = {part[1]: part[2] for part in parts}
    names = []
    for content in (c for c in objects.values() if b"/Type /Font " in c):
        kind = re.search(rb"/Subtype /(\w+)", content)[1]
        assert kind in (b"Type0", b"CIDFontType2"), f"{kind}: not TrueType (Type 42), which publishers ask for"
        if kind == b"CIDFontType2":
            descriptor = objects[re.search(rb"/FontDescriptor (\d+)", content)[1]]
            outlines = objects[re.search(rb"/FontFile2 (\d+)", descriptor)[1]]
            data = re.search(rb"stream\r?\n(.*)\r?\nendstream", outlines, re.DOTALL)[1]
            assert zlib.decompress(data).startswith(b"\x00\x01\x00\x00")
            names.append(re.search(rb"/BaseFont /\w+\+([\w-]+)", content)[1].decode())
    return names, float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", pdf)[1])


@pytest.mark.parametrize(("width", "inches"), [("single", 3.4), ("double", 7.0)])
@pytest.mark.parametrize("kind", ["anytime", "attainment", "critical-difference"])
def test_pdfs_embed_their_fonts_and_are_as_wide_as_a_column(report, tmp_path, kind, width, inches):
    figure, data = draw(report, kind, Selection("motif" if KINDS[kind].of_one_problem else "", width=width))
    (path, _) = save_figure(figure, data, tmp_path / kind, formats=("pdf",))
    names, points = embedded(path.read_bytes())
    assert "DejaVuSans" in names
    assert points == pytest.approx(72 * inches)


def test_mistakes_in_names_offer_the_nearest(tmp_path):
    figure, data = plot_attainment(RUNS, TWO)
    with pytest.raises(ValueError, match="format: unknown 'pfd', did you mean 'pdf'"):
        save_figure(figure, data, tmp_path / "x", formats=("pfd",))
    with pytest.raises(ValueError, match="width: unknown 'singel', did you mean 'single'"):
        plot_attainment(RUNS, TWO, width="singel")


# --- architecture cards ---


def test_a_cell_is_drawn_without_its_dead_edges():
    alive = np.array([3, 0, 0, 1, 0, 2])  # edge 3<-2 reads a node that nothing reaches; 1<-0 leads nowhere
    assert _cell.graph(alive) == [("input", "output", "skip_connect")]
    assert isinstance(motif.problem(), Drawable)
    edges = _cell.graph(np.array([3, 1, 3, 2, 2, 1]))
    figure, data = plot_architecture(edges, values={"error": "3 %"}, text="|cell|")
    assert len(figure.axes[0].patches) == len(data) == 6
    assert plot_architecture([], values={})[1].empty


def test_unread_nodes_make_the_output_of_a_graph_network():
    problem = NASBenchGraph(None, (), OPERATIONS, np.empty(0), np.empty(0))
    edges = problem.graph(np.array([LINKS.index((0, 0, 1, 2)), 0, 1, 2, 8]))
    assert edges[:4] == [
        ("input", "1 gat", ""),
        ("input", "2 gcn", ""),
        ("1 gat", "3 gin", ""),
        ("2 gcn", "4 skip", ""),
    ]
    assert edges[4:] == [("3 gin", "output", ""), ("4 skip", "output", "")]


def test_an_architecture_has_no_cycle():
    with pytest.raises(ValueError, match="cycle"):
        plot_architecture([("a", "b", ""), ("b", "a", "")], values={})


# --- kinds of figures ---


def test_every_file_of_figures_that_registers_a_kind_is_listed():
    names = {module.name for module in pkgutil.iter_modules(mobench.figures.__path__)}
    known = set(REGISTERED)
    for name in names:
        importlib.import_module(f"mobench.figures.{name}")
    assert set(REGISTERED) == known == set(KINDS)
    assert set(kinds.FILES) <= names


def test_kinds_are_listed_in_one_order_whatever_was_imported_first():
    names = "from mobench.figures.kinds import KINDS; print(*KINDS)"
    done = subprocess.run(
        [sys.executable, "-c", f"import mobench.figures.radar, mobench.figures.ranks; {names}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == list(KINDS)


def test_every_kind_says_in_a_line_what_it_shows():
    for kind in KINDS.values():
        assert re.fullmatch(r"[^\n]{10,100}", kind.summary), kind


def test_the_page_on_figures_lists_every_kind_in_the_order_of_the_command():
    page = (Path(__file__).parents[2] / "docs" / "figures.md").read_text("utf-8")
    for title, single in (("## Of one problem", True), ("## Over problems", False)):
        section = page.partition(title)[2].partition("\n## ")[0]
        listed = re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE)
        assert listed == [kind.name for kind in KINDS.values() if kind.of_one_problem == single]


def test_a_kind_is_drawn_by_one_function():
    with pytest.raises(ValueError, match="figure 'ecdf': drawn by draw_ecdf already"):
        register("ecdf")(lambda analysis, selection: (Figure(), pd.DataFrame()))


def test_every_axis_of_cost_has_one_label():
    assert tuple(AXIS_LABELS) == AXES


# --- figures of campaigns, finished and not ---


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Four searchers on three problems; one run is missing and one has no end."""
    folder = tmp_path_factory.mktemp("plots") / "small"
    searchers = ["nsga2:population=10", "random_search", "local_search"]
    problems = ["catsum", "lotz:bits=8", "motif"]
    campaign = make_campaign({"problems": problems, "searchers": searchers, "seeds": 3, "budget": 40})
    open_campaign(campaign, folder)
    for spec in campaign.specs[:-1]:
        execute(spec, folder / "runs" / spec.folder)
    (folder / "runs" / campaign.specs[-2].folder / "end.json").unlink()
    return folder


@pytest.fixture(scope="module")
def report(results):
    return read_analysis([results])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("difference", "diagnostics", "architecture")])
def test_every_kind_draws_an_unfinished_campaign(report, kind):
    figure, data = draw(report, kind, Selection("motif" if KINDS[kind].of_one_problem else ""))
    assert isinstance(figure, Figure)
    assert len(data)


def test_states_count_every_run(report):
    data = draw(report, "states", Selection())[1]
    assert data[["ended", "running", "failed", "missing"]].sum().tolist() == [25, 1, 0, 1]


def test_chosen_searchers_keep_the_campaign_s_colours(results, report):
    part = read_analysis([results], problems=["motif"], searchers=["random_search", "local_search"])
    assert colours(part) == colours(report)
    assert set(draw(part, "difference", Selection("motif"))[1].columns) >= {"error_from", "difference"}


def test_what_cannot_be_drawn_is_said(report):
    for kind, selection, message in (
        ("diagnostics", Selection("catsum"), "nothing was recorded"),
        ("front", Selection("catsum", objectives=("eror",)), "objectives: unknown 'eror', did you mean 'error'"),
        ("architecture", Selection("catsum", row=(0,) * 6), "does not say how to draw"),
        ("architecture", Selection("motif"), "give 6 genes, for example --row "),
        ("front", Selection("motiv"), "unknown 'motiv', did you mean 'motif'"),
        ("atainment", Selection("motif"), "did you mean 'attainment'"),
    ):
        with pytest.raises(ValueError, match=message):
            draw(report, kind, selection)


def test_the_command_draws_and_prints_its_files(results, tmp_path, capsys):
    folder = str(results)
    assert main(["plot", folder, "-k", "anytime", "--format", "svg"]) == 0
    printed = capsys.readouterr().out.split()
    assert [path.split("/")[-1] for path in printed[::2]] == [
        f"anytime-{p}.svg" for p in ("catsum", "lotz-bits=8", "motif")
    ]
    target = tmp_path / "deep" / "card.pdf"
    row = ["--row", "3,1,3,2,2,1", "--to", str(target)]
    assert main(["plot", folder, "-k", "architecture", "-p", "motif", *row]) == 0
    assert target.read_bytes().startswith(b"%PDF")
    assert target.with_suffix(".csv").exists()


def test_the_command_teaches(results, capsys):
    assert main(["plot", str(results), "-k", "list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(KINDS)
    for arguments, message in (
        (["-k", "fornt"], "did you mean 'front'"),
        (["-k", "front", "-s", "random_serch"], "did you mean 'random_search'"),
        (["-k", "architecture", "-p", "motif", "--row", "1,x"], "row: expected whole numbers"),
        (["-k", "ranks", "--format", "gif"], "format: unknown 'gif'"),
    ):
        assert main(["plot", str(results), *arguments]) == 2
        assert message in capsys.readouterr().err


def test_diagnostics_are_what_was_recorded():
    records = pd.DataFrame(
        {"searcher": "a", "seed": 0, "flops": [1.0, 2.0], "quantity": "entropy", "value": [0.5, 0.25]}
    )
    figure, _ = plot_diagnostics(records, axis="flops")
    assert figure.axes[0].get_lines()[0].get_xydata().tolist() == [[1, 0.5], [2, 0.25]]


# --- limits ---


def dashed(ax):
    """Places of the lines that limits are, across and up."""
    lines = [line for line in ax.lines if line.get_linestyle() == "--"]
    return [line.get_xdata()[0] for line in lines if line.get_xdata()[0] == line.get_xdata()[1]], [
        line.get_ydata()[0] for line in lines if line.get_ydata()[0] == line.get_ydata()[1]
    ]


LIMITED = (Objective("error", "%", limit=5.0), Objective("size", "M", limit=4.0))


def _extents(patch):
    """Left, bottom, right and top of a shade: older matplotlib draws it as a polygon."""
    if hasattr(patch, "get_bbox"):
        return patch.get_bbox().extents
    corners = patch.get_xy()
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def test_limits_are_lines_and_no_staircase_leads_through_what_is_beyond():
    F = np.array([[8.0, 1.0], [4.0, 2.0], [2.0, 3.0], [1.0, 6.0]])
    figure, data = plot_fronts({"a": F}, LIMITED)
    (ax,) = figure.axes
    assert dashed(ax) == ([4.0], [5.0])
    stairs = next(line for line in ax.lines if len(line.get_xdata()) > 2)
    assert stairs.get_xdata().min() == 2
    assert stairs.get_ydata().max() == 4
    assert len(data) == 4  # what turned out to be beyond is drawn all the same
    shades = [_extents(patch) for patch in ax.patches]
    assert [shade[0] for shade in shades if shade[0] == 4.0] == [4.0]
    plain, _ = plot_fronts({"a": F}, TWO)
    assert dashed(plain.axes[0]) == ([], [])
    assert not plain.axes[0].patches
    np.testing.assert_array_equal(plain.axes[0].get_xlim(), ax.get_xlim())


def test_what_is_better_beyond_a_maximised_limit_is_shaded_on_the_other_side():
    gain = (Objective("error"), Objective("gain", maximise=True, limit=3.0))
    figure, _ = plot_fronts({"a": np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])}, gain)
    (ax,) = figure.axes
    (shade,) = (_extents(patch) for patch in ax.patches)
    assert (shade[0], shade[2]) == (ax.get_xlim()[0], 3.0)


def test_limits_beyond_the_axes_draw_nothing_and_leave_them_as_they_are():
    far = (Objective("error", limit=500.0), Objective("size", limit=400.0))
    F = np.array([[4.0, 2.0], [2.0, 3.0]])
    figure, _ = plot_fronts({"a": F}, far)
    assert dashed(figure.axes[0]) == ([], [])
    assert not figure.axes[0].patches


def test_figures_of_limited_problems_hold_the_feasible_front_and_what_is_feasible(tmp_path):
    problem = "motif:objectives=[error<=4,latency:cpu_b64<=4],noise=true"
    campaign = make_campaign(
        {"name": "lim", "problems": [problem], "searchers": ["nsga2"], "seeds": [1], "budget": 200}
    )
    open_campaign(campaign, tmp_path)
    for spec in campaign.specs:
        execute(spec, tmp_path / "runs" / spec.folder)
    analysis = read_analysis([tmp_path])
    (label,) = analysis.contracts
    for kind in ("front", "attainment", "parallel"):
        figure, data = draw(analysis, kind, Selection(label))
        named = data.filter(["set", "searcher"]).iloc[:, 0]
        truth = data[named == "true front"]
        if kind != "parallel":
            assert any(dashed(ax)[1] == [4.0] for ax in figure.axes)
        assert len(truth) == len(analysis.contracts[label].front)
        assert (truth[["error", "latency:cpu_b64"]] <= 4).all(axis=None)
        beyond = data[named == "nsga2"]["error"] > 4
        assert beyond.any() == (kind == "front")


def test_lines_of_many_values_keep_their_peaks_and_their_ends():
    values = np.zeros(50_000)
    values[[31_234, 41_000]] = 9.0, -5.0
    long = pd.DataFrame(
        {"searcher": "s", "seed": 0, "quantity": "q", "evaluations": np.arange(50_000), "value": values}
    )
    short = long.head(30).assign(seed=1)
    thinned, note = thin(pd.concat([long, short], ignore_index=True))
    lines = thinned.groupby("seed")
    assert lines.size()[0] <= 6_002
    assert lines.size()[1] == 30
    assert {9.0, -5.0} <= set(thinned["value"])
    assert thinned["evaluations"].max() == 49_999
    assert note == "of lines of more than 6000 values the least and the greatest of each of 3000 parts"
    assert thin(short)[1] == ""
    many = pd.concat([short.assign(quantity=f"q{i}") for i in range(30)], ignore_index=True)
    assert thin(many)[1] == "the first 24 of 30 quantities"


def test_an_svg_is_well_formed_whatever_is_written_in_it(tmp_path):
    fig = Figure()
    ax = fig.subplots()
    ax.plot([0, 1], label="a\x07\x1b[31m & <b>")
    ax.set_title("\u202eevil")
    ax.legend()
    svg = save_figure(fig, pd.DataFrame({"x": [1]}), tmp_path / "a", formats=["svg"])[0].read_text()
    texts = [text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert "a\\x07\\x1b[31m & <b>" in texts
    assert "\\u202eevil" in texts
