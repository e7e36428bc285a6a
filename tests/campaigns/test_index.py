"""The index of a campaign is never wrong, whatever happens to the runs or to it; what it knows is not read again."""

import os

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mobench.campaigns.index
from mobench.campaigns.index import INDEX, run_states
from mobench.campaigns.study import run_state
from mobench.files.documents import write_document
from mobench.harness.spec import RunSpec

PLACES = [RunSpec("catsum", s, seed, {"evaluations": 5}).folder for seed in range(4) for s in ("nsga2", "nsga3")]


def put(folder, place, state):
    """What a run leaves in each of its states."""
    run = folder / "runs" / place
    run.mkdir(parents=True, exist_ok=True)
    for path in run.iterdir():
        path.unlink()
    if state != "missing":
        (run / "log.jsonl").write_bytes(b"")
    if state in ("ended", "failed"):
        reason = "failed" if state == "failed" else "end it"  # of equal length: sizes do not tell them apart
        write_document(run / "end.json", {"format": 1, "reason": reason, "spent": {}, "versions": {}, "host": {}})


@pytest.fixture
def looks(monkeypatch):
    """Folders whose end was really read."""
    found = []
    monkeypatch.setattr(mobench.campaigns.index, "run_state", lambda run: found.append(run) or run_state(run))
    return found


_STATE = st.sampled_from(["ended", "failed", "running", "missing"])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(PLACES), _STATE), min_size=1, max_size=20), st.data())
def test_states_are_right_after_any_history(tmp_path_factory, history, data):
    folder = tmp_path_factory.mktemp("campaign")
    now = dict.fromkeys(PLACES, "missing")
    for place, state in history:
        put(folder, place, state)
        now[place] = state
        if data.draw(st.booleans()):
            some = data.draw(st.lists(st.sampled_from(PLACES), unique=True))
            assert run_states(folder, some) == [now[place] for place in some]
    assert run_states(folder, PLACES) == list(now.values())


def test_an_end_is_read_once_however_often_one_looks(tmp_path, looks):
    for place, state in zip(PLACES, ["ended", "failed", "running"] * 2, strict=False):
        put(tmp_path, place, state)
    first = run_states(tmp_path, PLACES)
    looks.clear()
    assert run_states(tmp_path, PLACES) == first
    assert looks == []


def test_times_from_any_year_are_times(tmp_path, looks):
    put(tmp_path, PLACES[0], "ended")
    end = tmp_path / "runs" / PLACES[0] / "end.json"
    for year in (0.0, 4e9, 1.0):
        os.utime(end, (year, year))
        assert run_states(tmp_path, PLACES[:1]) == ["ended"]
    assert len(looks) == 3


@given(
    st.one_of(st.binary(max_size=60), st.recursive(st.none() | st.text() | st.booleans(), st.lists).map(orjson.dumps))
)
def test_an_index_that_is_anything_else_is_made_anew(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("campaign")
    put(folder, PLACES[0], "failed")
    (folder / INDEX).write_bytes(content)
    assert run_states(folder, PLACES[:2]) == ["failed", "missing"]


@pytest.mark.parametrize("entry", [None, [], [1, 2, 3, "ended"], "ended", {"a": 1}])
def test_entries_that_fit_no_file_count_for_nothing(tmp_path, entry):
    put(tmp_path, PLACES[0], "failed")
    write_document(tmp_path / INDEX, {"format": 1, "runs": {str(PLACES[0]): entry}})
    assert run_states(tmp_path, PLACES[:1]) == ["failed"]
    write_document(tmp_path / INDEX, {"format": 1, "runs": entry})
    assert run_states(tmp_path, PLACES[:1]) == ["failed"]


def test_a_folder_that_cannot_be_written_is_looked_at_all_the_same(tmp_path, monkeypatch):
    put(tmp_path, PLACES[0], "ended")

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(mobench.campaigns.index, "write_document", full)
    assert run_states(tmp_path, PLACES[:1]) == ["ended"]
    assert not (tmp_path / INDEX).exists()
