"""Damage that was once taken for data, or ended in a traceback: each kind is refused in one line."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import mobench
from mobench import load_pickle, load_table, read_campaign
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import load_campaign, open_campaign
from mobench.campaigns.study import read_study, run_state
from mobench.cli.main import main
from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec, read_spec
from mobench.plugins.references import parse_reference


@pytest.fixture
def run(tmp_path):
    """A finished run."""
    execute(RunSpec("lotz", "random_search", 0, {"evaluations": 10}, {"bits": 6}), tmp_path / "run")
    return tmp_path / "run"


def refused(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("X", [[0, 0, 0, 0, 0, 0.5]], "expected whole numbers, found float64"),
        ("X", [[0, 0, 0, 0, 0, 2]], "gene 'x5' is 2, expected 0 to 1"),
        ("X", [[0, 0, 0, 0, 0, 2**64 - 1]], "expected whole numbers, found float64"),
        ("X", [[0, 0, 0, 0, 0, -1]], "gene 'x5' is -1, expected 0 to 1"),
        ("F", [[None, 1]], "values or prices are not finite"),
        ("seconds", 1e308, "values or prices are not finite"),
        ("fidelity", [1, 2], "not a log of this problem"),
    ],
)
def test_a_line_that_is_no_answer(run, key, value, words):
    lines = (run / "log.jsonl").read_bytes().splitlines()
    event = json.loads(lines[0])
    event |= {"X": event["X"][:1], "F": event["F"][:1]} | {key: value}
    (run / "log.jsonl").write_text(f"{json.dumps(event)}\n" * (2 if key == "seconds" else 1))
    (run / "end.json").unlink()  # which would say that this is not its log
    refused(lambda: mobench.load(run), words)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("end.json", {"reason": None}, "damaged, 'reason' is None"),
        ("end.json", {"host": [1]}, r"damaged, 'host' is \[1\]"),
        ("spec.json", {"seed": "../../x"}, r"damaged, 'seed' is '\.\./\.\./x'"),
        ("spec.json", {"budget": {"/../../x": 1}}, "unknown currency '/../../x'"),
        ("spec.json", {"more": 1}, "not the specification of a run"),
    ],
)
def test_a_document_that_lacks_what_it_needs(run, name, change, words):
    document = json.loads((run / name).read_text()) | change
    (run / name).write_text(json.dumps(document))
    if name == "end.json":
        assert run_state(run) == "damaged"
    else:
        refused(lambda: read_spec(run / "spec.json"), words)
    refused(lambda: mobench.load(run), words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "../../x"}, "name: expected letters"),
        ({"problems": ["catsum"]}, "TypeError"),
        ({"problems": []}, "expected a list of tables with names"),
        ({"budget": {"/../../x": 3}}, "unknown currency"),
        ({"seeds": 10**9}, "at most 1,000,000"),
        ({"seeds": 10**6}, r"2,000,000 runs are too many"),
        ({"seeds": [2**63]}, "seeds: expected a number of seeds"),
        ({"not_applicable": [3]}, "not the record of a campaign"),
        ({"plugins": [{"path": 3, "checksum": ""}]}, "not the record of a campaign"),
    ],
)
def test_a_record_that_is_none(tmp_path, change, words):
    open_campaign(make_campaign({"problems": ["catsum", "lotz"], "searchers": ["random_search"]}), tmp_path / "c")
    path = tmp_path / "c" / "campaign.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    refused(lambda: load_campaign(tmp_path / "c"), words)
    assert main(["status", str(tmp_path / "c")]) == 2


def test_a_record_without_pairs_left_out_is_of_an_earlier_version(tmp_path):
    campaign = make_campaign(
        {"problems": ["catsum", "bilevel_toys"], "searchers": ["random_search", "darts"], "seeds": 1}
    )
    open_campaign(campaign, tmp_path)
    document = json.loads((tmp_path / "campaign.json").read_text())
    (pair,) = document.pop("not_applicable")
    assert (pair["problem"], pair["searcher"]) == ("catsum", "darts")
    assert pair["reason"] == "needs Supernet (all architectures share the weights of one network)"
    (tmp_path / "campaign.json").write_text(json.dumps(document))
    assert load_campaign(tmp_path).specs == campaign.specs == tuple(spec for spec, _ in read_study([tmp_path]).runs)


def test_names_of_labels_stay_inside_the_results_folder():
    for label in ("..", "../../x", "/etc/passwd", "\0", "a\nb", "x" * 400, "", "~"):
        folder = RunSpec(label, label, 0, {"evaluations": 1}, {"o": label}, {"o": label}).folder
        assert not folder.is_absolute()
        assert ".." not in folder.parts
        assert all(len(part) < 256 and part.isprintable() for part in folder.parts)


def test_brackets_without_end_are_refused(tmp_path):
    refused(lambda: parse_reference(f"x:y={'[' * 5000}"), "the value of option 'y' is too deep")
    (tmp_path / "c.toml").write_text(f"seeds = {'[' * 5000}")
    refused(lambda: read_campaign(tmp_path / "c.toml"), "not a TOML file")


@pytest.mark.parametrize(
    "header", [{"about": [1]}, {"columns": {"x": 3}}, {"columns": {"x": {"unit": "", "about": 3}}}]
)
def test_a_header_of_other_types(tmp_path, header):
    content = json.dumps({"format": 1, "about": {}, "columns": {}} | header).encode()
    np.savez(tmp_path / "t.npz", header=np.frombuffer(content, dtype=np.uint8), column_0=np.zeros(2))
    refused(lambda: load_table(tmp_path / "t.npz"), "damaged table")


def test_columns_of_different_lengths_are_no_table(tmp_path: Path):
    from mobench.files.tables import Column, Table, save_table

    save_table(tmp_path / "t.npz", Table({"a": Column(np.zeros(2)), "b": Column(np.zeros(2))}))
    with np.load(tmp_path / "t.npz") as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes())
    header["columns"]["b"]["sha256"] = __import__("hashlib").sha256(bytes(24)).hexdigest()
    arrays |= {"header": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), "column_1": np.zeros(3)}
    np.savez(tmp_path / "t.npz", **arrays)
    refused(lambda: load_table(tmp_path / "t.npz"), "columns of different lengths")


def test_a_pickle_gets_one_codec_and_changes_no_function_of_everybody():
    refused(lambda: load_pickle(b"c_codecs\nencode\n(Vx\nVidna\ntR."), "asks for the codec 'idna'")
    assert load_pickle(pickle.dumps(b"ab\xff", protocol=2)) == b"ab\xff"
    content = b"c__builtin__\nbytearray\n}(S'__defaults__'\n(I1\nI2\nttu\x86b."
    refused(lambda: load_pickle(content), "refused or damaged pickle")
    from mobench.files import plain_pickles

    load_pickle(b"c__builtin__\nbytearray\n(N}S'__kwdefaults__'\n}stb.")
    assert plain_pickles._copied_bytes.__kwdefaults__ is None
    assert load_pickle(pickle.dumps(bytearray(b"x"), protocol=2)) == bytearray(b"x")
