"""`mobench latency`: a module by name, measured, printed and written; and what is said of mistakes."""

import json

import pytest

from mobench.cli.main import main

NET = """
from torch import nn
def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
module = net()
number = 3
def broken():
    return 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "some_nets.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", ["some_nets:net", "some_nets:module"])
def test_every_batch_is_measured_printed_and_written(name, tmp_path, capsys):
    arguments = ["latency", name, "--shape", "3,8,8", "--batch", "1,4", "--repeats", "5", "--to", "times.json"]
    assert main(arguments) == 0
    rows = json.loads((tmp_path / "times.json").read_text())
    assert [(row["batch"], row["repeats"], row["dtype"]) for row in rows] == [(1, 5, "float32"), (4, 5, "float32")]
    assert all(0 < row["low"] <= row["median"] <= row["high"] for row in rows)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    assert f"{rows[1]['median']:.4f}" in printed[3]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["some_nets"], "expected MODULE:FUNCTION"),
        (["some_nets:absent"], "some_nets has no 'absent'"),
        (["some_nets:number"], "expected a torch module or a function that returns one, found int"),
        (["some_nets:broken"], "found int"),
        (["no_such_module:net"], "no_such_module"),
        (["some_nets:net", "--shape", "2,8,8"], "does not run on input"),
        (["some_nets:net", "--dtype", "float31"], "dtype: expected float32"),
        (["some_nets:net", "--device", "toaster"], "device: expected cpu"),
        (["some_nets:net", "--mode", "fast"], "--mode: expected eager, graph"),
        (["some_nets:net", "--mode", "graph"], "needs a CUDA device"),
        (["some_nets:net", "--repeats", "2"], "repeats >= 5"),
        (["some_nets:net", "--batch", "0"], "batch >= 1"),
    ],
)
def test_mistakes_end_with_one_line(arguments, said, capsys):
    shape = [] if "--shape" in arguments else ["--shape", "3,8,8"]
    assert main(["latency", *arguments, *shape]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_help_needs_no_torch(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["latency", "--help"])
    assert "MODULE:FUNCTION" in capsys.readouterr().out
