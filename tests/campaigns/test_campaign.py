"""Campaign files are validated to the last key; every mistake is one line that names its cause and cure."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobench.campaigns.reading import DEFAULT, make_campaign, read_campaign
from mobench.campaigns.record import load_campaign, open_campaign

GOOD = {"problems": ["catsum"], "searchers": ["random_search:batch=10", {"name": "nsga2", "population": 20}]}


def test_a_campaign_is_problems_times_searchers_times_seeds():
    campaign = make_campaign(GOOD | {"seeds": [3, 7], "budget": {"evaluations": 50}})
    assert [(s.searcher_label, s.seed) for s in campaign.specs] == [
        ("random_search:batch=10", 3),
        ("nsga2:population=20", 3),
        ("random_search:batch=10", 7),
        ("nsga2:population=20", 7),
    ]


def test_the_default_campaign_is_valid_and_needs_no_download():
    campaign = read_campaign(DEFAULT)
    assert campaign.name == "default"
    assert any(name == "nasbench_graph" for name, _ in campaign.problems)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"problms": []}, "unknown key 'problms', did you mean 'problems'?"),
        ({"problems": []}, "problems: expected a list"),
        ({"problems": [7]}, "expected a name or a table with a name, found 7"),
        ({"problems": ["catsom"]}, "unknown problem 'catsom', did you mean 'catsum'?"),
        ({"problems": ["catsum", "catsum"]}, "catsum is listed twice"),
        ({"problems": ["lotz:bits=0"]}, "option 'bits': input should be greater than or equal to 1, found 0"),
        ({"problems": ["lotz:bits=8.5"]}, "option 'bits': .*integer, found 8.5"),
        ({"problems": ["lotz:bits=true"]}, "option 'bits': .*integer, found True"),
        ({"problems": ["lotz:bit=8"]}, "unknown option 'bit', did you mean 'bits'?"),
        ({"problems": ["lotz:bits"]}, "expected name:option=value"),
        ({"searchers": ["nsga3000"]}, "unknown searcher 'nsga3000', did you mean 'nsga"),
        ({"searchers": ["nsga2:populaton=9"]}, "unknown option 'populaton', did you mean 'population'?"),
        ({"searchers": [{"population": 9}]}, "a table with a name"),
        ({"seeds": 0}, "seeds: expected at least 1"),
        ({"seeds": [1, 1]}, "different whole numbers"),
        ({"seeds": [-1]}, "whole numbers"),
        ({"seeds": 2.5}, "seeds: expected"),
        ({"seeds": True}, "seeds: expected"),
        ({"budget": 0}, "evaluations must be positive"),
        ({"budget": -3}, "must be positive"),
        ({"budget": "lots"}, "must be a number"),
        ({"budget": {"evals": 3}}, "unknown currency 'evals'"),
        ({"contract": "mobench-9"}, "contract: unknown 'mobench-9'"),
        ({"contract": "evoxbench"}, "neither a true front nor bounds|bounds"),
        ({"name": "../../x"}, "name: expected letters"),
        ({"name": ""}, "name: expected letters"),
        ({"name": 3}, "name: expected letters"),
    ],
)
def test_mistakes_are_named_in_one_line(entries, words):
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        make_campaign(GOOD | entries)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("campaign: ")


@pytest.mark.parametrize("key", ["problems", "searchers"])
def test_what_is_missing_is_named(key):
    with pytest.raises(ValueError, match=f"{key} is missing"):
        make_campaign({k: v for k, v in GOOD.items() if k != key})


def test_files_that_are_not_toml_are_refused(tmp_path):
    path = tmp_path / "c.toml"
    for content in (b"name = ", b"\xff\xfe\x00", b"name = 'a'\nname = 'b'"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(f"{path}: not a TOML file")):
            read_campaign(path)
    with pytest.raises(FileNotFoundError):
        read_campaign(tmp_path / "none.toml")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["name", "problems", "searchers", "seeds", "budget", "contract", "x"]), plain))
def test_any_entries_are_a_campaign_or_a_clear_error(entries):
    try:
        make_campaign(GOOD | entries)
    except (ValueError, TypeError) as error:
        assert str(error).startswith("campaign: ")


def test_a_campaign_may_grow_in_its_folder_but_not_change(tmp_path):
    open_campaign(make_campaign(GOOD | {"seeds": 2}), tmp_path)
    open_campaign(make_campaign(GOOD | {"seeds": 3}), tmp_path)
    both = r"another campaign \(budget is \S+ evaluations there, 7 evaluations here\); use another --name"
    with pytest.raises(ValueError, match=both):
        open_campaign(make_campaign(GOOD | {"seeds": 2, "budget": 7}), tmp_path)


def test_an_option_called_name_comes_back_from_the_record(tmp_path):
    """``bilevel_toys:name=quadratic`` has one; records of earlier versions held options beside the name."""
    entries = {"problems": ["bilevel_toys:name=quadratic", "catsum"], "searchers": ["nsga2"], "seeds": 1}
    campaign = make_campaign(entries)
    open_campaign(campaign, tmp_path)
    assert load_campaign(tmp_path).problems == campaign.problems
    record = tmp_path / "campaign.json"
    document = json.loads(record.read_text())
    document["searchers"] = [{"name": "nsga2", "population": 10}]
    record.write_text(json.dumps(document))
    assert load_campaign(tmp_path).searchers == (("nsga2", {"population": 10}),)
