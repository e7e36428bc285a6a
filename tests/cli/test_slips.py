"""What people type in passing does what it says, or is refused in a line."""

import warnings

import pytest

from mobench.cli.main import main


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slips")
    run = ["run", "-p", "catsum", "-p", "motif", "-s", "nsga2", "-s", "random_search", "-b", "20", "--seeds", "2"]
    assert main([*run, "-q", "-w", "1", "--name", "x", "--results", str(folder)]) == 0
    return folder / "x"


def test_kinds_of_figures_are_listed_without_a_folder_and_nothing_else_is(capsys):
    assert main(["plot", "--kind", "list"]) == 0
    assert "anytime" in capsys.readouterr().out
    assert main(["plot", "--kind", "front"]) == 2
    assert "RESULTS: name at least one folder" in capsys.readouterr().err


def test_problems_of_which_a_figure_cannot_be_drawn_are_left_out_in_a_line(results, tmp_path, capsys):
    graph = ["-k", "architecture", "--row", "1,1,1,1,1,1"]
    for arguments, reason in (
        (graph, "architecture: this problem does not say how to draw one"),
        (["-k", "anytime", "--axis", "flops"], "nothing to draw: what was delivered has no price in flops"),
        (
            ["-k", "front", "--objectives", "latency:cpu_b64"],
            "objectives: unknown 'latency:cpu_b64'; there are error, cost",
        ),
    ):
        command = ["plot", str(results), *arguments, "--to", str(tmp_path / "it.png")]
        assert main(command) == 0
        said = capsys.readouterr()
        assert [line for line in said.err.splitlines() if "left" in line] == [f"mobench: left out: catsum: {reason}"]
        assert [line.split("/")[-1] for line in said.out.split()] == ["it-motif.png", "it-motif.csv"]
    assert main(["plot", str(results), *graph, "-p", "catsum"]) == 2
    assert "error: catsum: architecture: this problem does not say how to draw one" in capsys.readouterr().err
    assert main(["plot", str(results), "-k", "diagnostics"]) == 2
    assert "error: catsum, motif: diagnostics: nothing was recorded" in capsys.readouterr().err


def test_a_clock_on_which_one_problem_delivers_nothing_leaves_it_out(tmp_path, capsys):
    run = ["run", "-p", "motif", "-p", "motif_chain", "-s", "random_search", "-b", "clock=16", "--seeds", "1"]
    run += ["--simulated-workers", "2", "-q", "-w", "1", "--name", "x", "--results", str(tmp_path)]
    assert main(run) == 0
    capsys.readouterr()
    plot = ["plot", str(tmp_path / "x"), "-k", "anytime", "--axis", "clock", "--format", "svg"]
    assert main(plot) == 0
    said = capsys.readouterr()
    assert "left out: motif: nothing to draw: no run has delivered anything yet" in said.err
    assert "anytime-motif_chain.svg" in said.out


@pytest.mark.parametrize("kind", ["cost", "spending"])
def test_a_problem_without_a_price_in_the_axis_is_drawn_at_nothing(results, kind, tmp_path):
    to = ["--axis", "flops", "--to", str(tmp_path / "it.png")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["plot", str(results), "-k", kind, *to]) == 0
    assert (tmp_path / "it-catsum.png").exists()


def test_an_axis_in_which_nothing_has_a_price_is_refused(results, capsys):
    assert main(["report", str(results), "--axis", "seconds"]) == 2
    assert "axis: nothing here has a price in seconds; choose from evaluations" in capsys.readouterr().err
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["plot", str(results), "-k", "anytime", "--axis", "flops", "-p", "motif", "--format", "png"]) == 0


@pytest.mark.parametrize("name", ["numpy", "random", "mobench"])
def test_a_new_file_hides_no_module(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "searcher", name]) == 2
    assert f"a module {name!r} can be imported here" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    (tmp_path / "climber").mkdir()
    assert main(["new", "searcher", "climber"]) == 0


def test_a_searcher_that_prints_passes_its_check(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head = '"""Loud."""\nimport os\n\n\ndef search(run):\n'
    text = head + '    print("hello")\n    os.write(1, b"hello\\n")\n    while True:\n'
    (tmp_path / "loud.py").write_text(text + "        run.evaluate(run.space.sample(run.rng, 5))\n")
    assert main(["check", "loud.py"]) == 0
    assert "passed    fresh process" in capsys.readouterr().out


def test_a_folder_that_is_no_campaign_and_a_second_folder_are_refused_in_a_line(results, capsys):
    assert main(["run", str(results.parent)]) == 2
    assert "a folder without a campaign.json; name one of a campaign" in capsys.readouterr().err
    assert main(["run", str(results), "--results", "elsewhere"]) == 2
    assert "is the folder to go on with; leave --results out" in capsys.readouterr().err


def test_a_seed_that_is_no_number_names_the_option(capsys):
    assert main(["run", "-p", "catsum", "-s", "nsga2", "-b", "5", "--seeds", "1,"]) == 2
    assert "--seeds: expected a number, found ''" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a\x1b[31m", "\u202eevil", "two\nlines", "a\tb", "nul\0"])
def test_a_name_that_no_page_can_show_is_refused(results, name, capsys):
    assert main(["report", str(results), "--label", f"nsga2={name}"]) == 2
    said = capsys.readouterr().err
    assert "label: expected letters of one line" in said
    assert said.count("\n") == 1


def test_a_damaged_record_is_no_reason_to_lose_runs(tmp_path, capsys):
    run = ["run", "-p", "catsum", "-s", "nsga2", "-b", "20", "--seeds", "2", "-q", "-w", "1"]
    run += ["--name", "x", "--results", str(tmp_path)]
    assert main(run) == 0
    record = tmp_path / "x" / "campaign.json"
    record.write_text(record.read_text()[:40])
    assert main(run) == 2
    assert "delete this file and run the campaign again, which keeps what has ended" in capsys.readouterr().err
    record.unlink()
    assert main(run) == 0
    assert "0 runs ended, 2 had before" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("objectives=error", "option 'objectives': expected a list, objectives=[error], found 'error'"),
        ("objectives=error,flops", "found 'flops'; lists have brackets, [a,b]"),
        ("images=2.5", "option 'images': input should be a valid integer, found 2.5"),
        ("images=0", "option 'images': input should be greater than 0, found 0"),
        ("objectives=[error,flop]", "objectives: unknown 'flop'"),
        ("objectives=[error,latency:cpu_b99999999999]", "cpu: out of memory; use a smaller batch"),
    ],
)
def test_options_of_live_spaces_are_refused_in_a_line(options, words, capsys, tmp_path):
    command = ["run", "-p", f"mlp:{options}", "-s", "nsga2", "-b", "trainings=1", "--results", str(tmp_path / "r")]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("images[0] = np.nan", "not finite as float32"),
        ("labels[:] = 2", "expected two classes at least"),
        ("network = lambda: nn.Sequential(layer, nn.BatchNorm1d(4), layer)", "no running statistics"),
        ("network = lambda: nn.Sequential(layer, layer)", "one module, two places"),
        ("network = lambda: nn.Sequential(layer).double()", "weights of torch.float64"),
    ],
)
def test_a_network_or_data_that_are_none_are_refused_in_a_line(change, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(f'''"""Mine."""
import numpy as np
from torch import nn

import mobench.live
from mobench.live import ElasticLinear, Gene

images, labels = np.eye(30, 4), np.arange(30) % 3
width = Gene("width", 2, 4)
layer = ElasticLinear(4, width)
network = lambda: nn.Sequential(layer, ElasticLinear(width, 3))
{change}


def problem():
    return mobench.live.problem(network, data=(images, labels))
''')
    for command in (
        ["check", "mine.py"],
        ["run", "-p", "mine", "--plugin", "mine.py", "-s", "nsga2", "-b", "trainings=1"],
    ):
        assert main(command) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
