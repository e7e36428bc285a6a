"""`mobench insight` and `mobench choose`: tables, figures and files; mistakes in one line."""

import json

import pytest

from mobench.cli.main import main


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    home = tmp_path_factory.mktemp("insight")
    command = ["run", "-p", "motif", "-p", "lotz:bits=6", "-s", "random_search", "-b", "40", "--seeds", "1", "-q"]
    assert main([*command, "--name", "c", "--results", str(home)]) == 0
    return home / "c"


def test_insight_prints_a_table_and_saves_a_figure(campaign, capsys):
    pytest.importorskip("sklearn")
    assert main(["insight", str(campaign), "-p", "lotz:bits=6", "--format", "svg"]) == 0
    said = capsys.readouterr().out
    assert "lotz:bits=6: 40 architectures" in said
    assert "leading ones" in said
    assert {path.suffix for path in (campaign / "figures").glob("importance-lotz*")} == {".svg", ".csv"}


def test_choose_prints_draws_and_writes(campaign, capsys):
    assert main(["choose", str(campaign)]) == 0
    said = capsys.readouterr().out
    assert "motif: knee, of " in said
    assert json.loads((campaign / "chosen" / "motif.json").read_text())["rule"] == "knee"
    assert (campaign / "chosen" / "motif.pdf").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["choose", "--weights", "error=much"], "expected NAME=NUMBER"),
        (["choose", "--weights", "eror=1", "-p", "motif"], "unknown 'eror', did you mean 'error'"),
        (["choose", "--weights", "error=1,error=2", "-p", "motif"], "error is given twice"),
        (["insight", "-p", "mtif"], "unknown 'mtif', did you mean 'motif'"),
    ],
)
def test_mistakes_are_told_in_one_line(campaign, capsys, command, message):
    assert main([command[0], str(campaign), *command[1:]]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
