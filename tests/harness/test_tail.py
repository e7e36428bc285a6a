"""A log read on from where the last look ended tells the ledger of the whole log, wherever the looks were."""

import os
import shutil

import pytest

from mobench.core.budget import CURRENCIES, Cost
from mobench.harness import tail
from mobench.harness.execute import execute
from mobench.harness.held import is_held, locked
from mobench.harness.spec import RunSpec
from mobench.harness.tail import Tail


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A run that has ended: its folder, and what its end says was spent."""
    folder = tmp_path_factory.mktemp("run")
    spec = RunSpec("motif", "regularized_evolution", 0, {"trainings": 30})
    return folder, Cost(**execute(spec, folder)["spent"])


@pytest.mark.parametrize("step", [1, 7, 500, 10**6])
def test_the_ledger_is_that_of_the_end_wherever_the_looks_were(ended, tmp_path, step, monkeypatch):
    monkeypatch.setattr(tail, "MOST", 64)  # a line may be longer than a look
    folder, spent = ended
    whole = (folder / "log.jsonl").read_bytes()
    path, cut = tmp_path / "log.jsonl", (len(whole) - 1) // min(step, 200) + 1
    followed = Tail(path)
    assert not followed.read()
    for end in range(cut, len(whole) + cut, cut):
        path.write_bytes(whole[:end])  # a torn last line waits for its rest
        while followed.read():
            pass
    for currency in CURRENCIES[:1] + CURRENCIES[2:]:  # questions may go on behind the last line
        assert getattr(followed.spent, currency) == pytest.approx(getattr(spent, currency), rel=1e-12)
    assert followed.spent.asked <= spent.asked
    assert not followed.damaged


def test_nothing_is_read_twice(ended, tmp_path, monkeypatch):
    folder, _ = ended
    path = shutil.copy(folder / "log.jsonl", tmp_path / "log.jsonl")
    read, pread = [], os.pread
    monkeypatch.setattr(os, "pread", lambda file, most, at: read.append(len(part := pread(file, most, at))) or part)
    followed = Tail(path)
    for _ in range(5):
        followed.read()
    assert sum(read) == path.stat().st_size


def test_a_log_that_was_replaced_is_read_anew(ended, tmp_path):
    folder, _ = ended
    path = tmp_path / "log.jsonl"
    lines = (folder / "log.jsonl").read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:9]))
    followed = Tail(path)
    assert followed.read()
    before = followed.spent
    (tmp_path / "new").write_bytes(b"".join(lines[:9]))
    os.replace(tmp_path / "new", path)
    assert followed.read()
    assert followed.spent == before


def test_what_is_no_log_is_told_as_damage_and_waits_for_nobody(tmp_path):
    path = tmp_path / "log.jsonl"
    os.mkfifo(path)
    assert not Tail(path).read()
    path.unlink()
    for text in (b"[1]\n", b'{"X": 3}\n', b'{"X": [[1]], "flops": "a", "seconds": 0, "asked": 1}\n', b"\xff\n"):
        path.write_bytes(text)
        followed = Tail(path)
        followed.read()
        assert followed.damaged
        assert followed.spent == Cost()
        assert not followed.read()


def test_any_number_may_look_whether_a_log_is_held_and_need_not_be_able_to_write_it(tmp_path):
    path = tmp_path / "log.jsonl"
    file, _ = locked(path)
    path.chmod(0o444)
    assert is_held(path)
    os.close(file)
    assert not is_held(path)
    path.unlink()
    os.mkfifo(path)
    assert not is_held(path)
