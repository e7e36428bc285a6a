"""Suites: they parse, are found by name and version, and their files are what is run."""

import re

import pytest

from mobench import read_campaign
from mobench.campaigns.record import load_campaign
from mobench.campaigns.suites import find_suite, suite_summary, suites
from mobench.cli.main import main

NAMES = ("all", "cells", "imagenet", "llm", "many", "mlp", "tiny", "transfer")


def test_every_promised_suite_is_there_with_a_version():
    assert {re.fullmatch(r"(.+)-\d+", name)[1] for name in suites()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_suite_is_a_whole_campaign_that_needs_no_download(name, tmp_path, monkeypatch):
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path))
    path = find_suite(name)
    campaign = read_campaign(path)
    assert campaign.name == path.stem
    assert "random_search" in {searcher for searcher, _ in campaign.searchers}
    assert len(campaign.seeds) >= 10
    assert suite_summary(path).startswith(f"{name[0].upper()}{name[1:]}")
    assert campaign.specs


@pytest.mark.long
def test_the_suite_of_all_holds_every_problem_of_the_others():
    problems = {name: {repr(problem) for problem in read_campaign(find_suite(name)).problems} for name in NAMES}
    assert set().union(*problems.values()) == problems["all"]


def test_the_newest_version_is_the_one_without_a_number(tmp_path, monkeypatch):
    for name in ("cells-2", "cells-10", "cells-9", "mlp-1"):
        (tmp_path / f"{name}.toml").write_text("# x")
    monkeypatch.setattr("mobench.campaigns.suites.FOLDER", tmp_path)
    assert find_suite("cells").stem == "cells-10"
    assert find_suite("cells-9").stem == "cells-9"
    with pytest.raises(ValueError, match="unknown 'cell', did you mean 'cells'"):
        find_suite("cell")


def test_a_suite_runs_with_a_searcher_of_choice_and_keeps_its_problems(tmp_path, capsys):
    command = ["run", "--suite", "tiny", "-s", "random_search", "-q", "-w", "1", "--results", str(tmp_path)]
    assert main(command) == 0
    (folder,) = tmp_path.iterdir()
    assert folder.name == find_suite("tiny").stem
    assert f"mobench report {folder}" in capsys.readouterr().out
    record = load_campaign(folder)
    assert {**record.document, "searchers": 0} == {**read_campaign(find_suite("tiny")).document, "searchers": 0}


@pytest.mark.parametrize("change", [["-b", "20"], ["--seeds", "1"], ["--contract", "mobench-1"]])
def test_a_suite_with_another_budget_seeds_or_contract_does_not_have_its_name(change, tmp_path):
    command = ["run", "--suite", "tiny", "-s", "random_search", *change, "-q", "-w", "1", "--results", str(tmp_path)]
    assert main(command) == 0
    (folder,) = tmp_path.iterdir()
    assert re.fullmatch("tiny-1-changed-[0-9a-f]{6}", folder.name)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--suite", "tiny", "-b", "20", "--name", "tiny-1"], "tiny-1"),
        (["--suite", "tiny", "--name", "cells-1"], "cells-1"),
        (["-p", "macro", "-b", "20", "--name", "many-1"], "many-1"),
    ],
)
def test_no_other_campaign_takes_the_name_of_a_suite(arguments, name, tmp_path, capsys):
    assert main(["run", *arguments, "-s", "random_search", "-q", "--results", str(tmp_path)]) == 2
    assert f"{name!r} is that of a suite, which this campaign is not" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_suite_that_is_given_its_own_budget_and_seeds_is_the_suite(tmp_path):
    command = ["run", "--suite", "tiny", "-b", "200", "--seeds", "10", "-s", "random_search", "-q", "-w", "1"]
    assert main([*command, "--results", str(tmp_path)]) == 0
    assert [folder.name for folder in tmp_path.iterdir()] == ["tiny-1"]


@pytest.mark.parametrize("more", [["-p", "motif"], ["some.toml"], ["--suite", "cells"]])
def test_a_suite_beside_problems_of_ones_own_is_refused_in_a_line(more, capsys):
    assert main(["run", "--suite", "tiny", *more]) == 2
    assert "it names its problems itself" in capsys.readouterr().err


def test_suites_are_listed_and_shown(capsys):
    assert main(["list", "suites"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{name}-1" in listed for name in NAMES)
    assert main(["list", "tiny"]) == 0
    assert "problems = [" in capsys.readouterr().out
