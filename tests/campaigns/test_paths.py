"""Paths in options are seen from the file that names them, else from the working directory."""

from pathlib import Path

import pytest

from mobench.campaigns.reading import make_campaign, read_campaign
from mobench.cli.main import main

HEADER = 'data = "t.csv"\ngenes = ["k"]\nmissing_values = "drop"\nobjectives = [{ name = "e" }, { name = "c" }]\n'
TABLE = "k,e,c\n1,5,1\n2,4,2\n3,3,3\n4,,4\n"
CAMPAIGN = 'problems = ["table:path={path}"]\nsearchers = ["random_search"]\nseeds = 1\nbudget = 3\n'
PLUGIN = '''"""Reads a list."""

from pathlib import Path


def search(run, *, start: Path | None = None, other: str = ""):
    run.evaluate(run.space.sample(run.rng, 1 if start is None else int(start.read_text())))
'''


@pytest.fixture(autouse=True)
def study(tmp_path, monkeypatch):
    """A folder with a campaign, and tables beside and above it; the working directory holds this folder."""
    monkeypatch.chdir(tmp_path)
    for folder in ("study", "study/data, cleaned"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.toml").write_text(HEADER)
        (tmp_path / folder / "t.csv").write_text(TABLE)
    return tmp_path / "study"


def written(study, path):
    (study / "c.toml").write_text(CAMPAIGN.replace('"table:path={path}"', repr(f"table:path={path}")))
    return study / "c.toml"


def paths(campaign):
    return [options["path"] for _, options in campaign.problems]


def test_a_campaign_names_tables_as_its_own_folder_sees_them(study):
    written(study, "t.toml")
    assert paths(read_campaign("study/c.toml")) == ["study/t.toml"]
    written(study, '"data, cleaned/t.toml"')
    assert paths(read_campaign("study/c.toml")) == ["study/data, cleaned/t.toml"]
    written(study, study / "t.toml")
    assert paths(read_campaign("study/c.toml")) == [str(study / "t.toml")]
    written(study, "../t.toml")
    with pytest.raises(ValueError, match=r"study/c\.toml: path: there is no file 't\.toml'"):
        read_campaign("study/c.toml")


def test_runs_are_the_same_whatever_the_campaign_is_called_by(study, tmp_path, monkeypatch):
    written(study, "t.toml")
    (tmp_path / "link").symlink_to(study)
    names = ["study/c.toml", study / "c.toml", "link/c.toml", "./study/../study/c.toml"]
    (spec,) = {campaign.specs[0].folder for campaign in map(read_campaign, names)}
    assert str(spec.parts[0]).startswith("table-path=study-t.toml")
    monkeypatch.chdir(study)
    assert paths(read_campaign("c.toml")) == ["t.toml"]


def test_options_of_the_command_line_and_of_python_are_seen_from_the_working_directory(study):
    written(study, "t.toml")
    assert paths(read_campaign("study/c.toml", problems=["table:path=study/t.toml"])) == ["study/t.toml"]
    entries = {"searchers": ["random_search"], "budget": 3}
    assert paths(make_campaign(entries | {"problems": ['table:path="study/data, cleaned/t.toml"']})) == [
        "study/data, cleaned/t.toml"
    ]
    as_path = {"name": "table", "path": Path("study/t.toml")}
    assert paths(make_campaign(entries | {"problems": [as_path]})) == ["study/t.toml"]


def test_a_searchers_paths_are_those_that_it_annotates(study):
    (study / "lists.py").write_text(PLUGIN)
    (study / "start.txt").write_text("2")
    searchers = '["lists", "lists:start=start.txt,other=start.txt"]\nplugins = ["lists.py"]'
    written(study, "t.toml").write_text(f'problems = "catsum"\nsearchers = {searchers}\nseeds = 1\nbudget = 3\n')
    assert [options for _, options in read_campaign("study/c.toml").searchers] == [
        {},
        {"start": "study/start.txt", "other": "start.txt"},
    ]


def test_a_run_and_a_check_say_once_what_a_table_left_out(study, capsys):
    written(study, "t.toml").write_text(CAMPAIGN.format(path="t.toml").replace("seeds = 1", "seeds = 2"))
    assert main(["run", "study/c.toml", "--name", "r", "-q", "-w", "2"]) == 0
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count("t.csv: 1 of 4 rows lack a value and are left out") == 1
    assert "mobench: table: t.csv: 1 of 4 rows" in shown.err
    assert main(["check", "table:path=study/t.toml"]) == 0
    assert capsys.readouterr().out.count("t.csv: 1 of 4 rows lack a value and are left out") == 1
    assert main(["report", "results/r"]) == 0
    assert "t.csv: 1 of 4 rows lack a value and are left out." in Path("results/r/report/report.html").read_text(
        "utf-8"
    )
