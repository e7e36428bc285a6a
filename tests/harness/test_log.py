"""A log survives any cut; documents appear whole or never; damage is named."""

import multiprocessing
import os
import socket
import stat

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mobench.files.documents import read_document, write_document
from mobench.harness.held import RunIsBusy, is_held
from mobench.harness.history import read_history
from mobench.harness.log import Log, StorageError

EVENT = {"X": [[1, 2]], "F": [[0.5]], "fidelity": None, "asked": 1, "flops": 0.0, "seconds": 0.0}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.integers(1, 5), st.data())
def test_a_log_cut_anywhere_reopens_with_its_whole_lines(tmp_path, lines, data):
    path = tmp_path / "log.jsonl"
    path.unlink(missing_ok=True)
    with Log(path) as log:
        for i in range(lines):
            log.append(EVENT | {"asked": i})
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    with Log(path) as log:
        kept = len(log.past)
        for i in range(kept, lines):
            log.append(EVENT | {"asked": i})
    assert path.read_bytes() == whole
    assert kept == whole[:cut].count(b"\n")


def test_floats_survive_the_log_bit_for_bit(tmp_path):
    F = np.random.default_rng(0).standard_normal((200, 1)) * 10.0 ** np.arange(-100, 100)[:, None]
    with Log(tmp_path / "log.jsonl") as log:
        log.append(EVENT | {"X": np.zeros((200, 2), dtype=int), "F": F, "flops": np.abs(F[:, 0])})
    history = read_history(tmp_path / "log.jsonl", d=2, m=1)
    assert (history.F == F).all()
    assert (history.spent["flops"] == np.cumsum(np.abs(F[:, 0]))).all()


def test_a_damaged_line_is_named_and_left_alone(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"X": [[1]]}\n{"X": [[oops\n{"X": [[2]]}\n')
    with pytest.raises(ValueError, match="line 2 is damaged"):
        Log(path)
    assert path.read_bytes().count(b"\n") == 3


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_a_log_or_a_clear_error(tmp_path, data):
    path = tmp_path / "log.jsonl"
    path.write_bytes(data)
    try:
        read_history(path, d=2, m=1)
    except ValueError as error:
        assert str(path) in str(error)


ANSWER = b'"fidelity": null, "asked": 2, "flops": 0.0, "seconds": '


@pytest.mark.parametrize(
    "line",
    [
        *(b'{"X": 5}', b'{"X": [[1, 2]]}', b'{"X": [[1, 2]], "F": [["a"]]}', b"[]", b"7"),
        b'{"X": [[1, 2], [0, 1]], "F": [[0.5]], ' + ANSWER + b"0.0}",
        b'{"X": [[1, 2], [0, 1]], "F": [[0.5], [0.5]], ' + ANSWER + b"[1.0, 2.0, 3.0]}",
        b'{"X": [[1, 2], [0]], "F": [[0.5], [0.5]], ' + ANSWER + b"0.0}",
        b'{"X": [[1, 2], [0, 1.5]], "F": [[0.5], [0.5]], ' + ANSWER + b"0.0}",
        b'{"X": [], "F": [], ' + ANSWER + b"0.0}",
    ],
)
def test_events_that_are_not_events_are_refused(tmp_path, line):
    path = tmp_path / "log.jsonl"
    path.write_bytes(line + b"\n")
    with pytest.raises(ValueError, match="log"):
        read_history(path, d=2, m=1)


def _open(path, answer):
    try:
        with Log(path):
            answer.put("opened")
    except RunIsBusy:
        answer.put("busy")


def test_two_processes_cannot_write_one_log(tmp_path):
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    with Log(tmp_path / "log.jsonl"):
        other = context.Process(target=_open, args=(tmp_path / "log.jsonl", answer))
        other.start()
        other.join()
    assert answer.get() == "busy"
    answer.close()


def test_a_full_disk_is_a_storage_error_that_library_code_cannot_swallow():
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    log = Log()
    log.path, log._file = "/dev/full", os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(StorageError, match="No space left"):
            log.append(EVENT)
    finally:
        os.close(log._file)
    assert not issubclass(StorageError, Exception)


def test_documents_round_trip_and_replace_each_other_whole(tmp_path):
    path = tmp_path / "end.json"
    write_document(path, {"format": 1, "a": [1, 2.5]})
    write_document(path, {"format": 1, "a": "x"})
    assert read_document(path) == {"format": 1, "a": "x"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_document(tmp_path):
    path = tmp_path / "end.json"
    write_document(path, {"format": 1})
    with pytest.raises(TypeError):
        write_document(path, {"format": 1, "a": object()})
    assert read_document(path) == {"format": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not a mobench document"), ('{"format": 99}', "format 99"), ("[]", "format None"), ("", "not a mobench")],
)
def test_foreign_documents_are_refused(tmp_path, text, words):
    path = tmp_path / "spec.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        read_document(path)


def test_a_log_has_the_rights_that_the_umask_leaves(tmp_path):
    path, before = tmp_path / "log.jsonl", os.umask(0o002)
    try:
        for _ in range(2):  # the second time it is a copy in the first one's place
            with Log(path) as log:
                log.append(EVENT)
            assert stat.S_IMODE(path.stat().st_mode) == 0o664
    finally:
        os.umask(before)


def test_a_log_that_is_a_link_dangling_or_not_is_refused_and_nothing_is_written_through_it(tmp_path):
    (tmp_path / "mine").write_bytes(b"mine\n")
    for name, target in (("a.jsonl", "mine"), ("b.jsonl", "nothing")):
        (tmp_path / name).symlink_to(tmp_path / target)
        with pytest.raises(ValueError, match=f"{name}: is a symbolic link, and nothing is written through it"):
            Log(tmp_path / name)
    assert (tmp_path / "mine").read_bytes() == b"mine\n"
    assert not (tmp_path / "nothing").exists()


def test_a_log_that_is_a_pipe_or_a_socket_is_refused_and_nobody_waits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's name has to be short
    os.mkfifo(tmp_path / "log.jsonl")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        for name in ("log.jsonl", "s"):
            with pytest.raises(ValueError, match=f"{name}: is a pipe, a device or a socket"):
                Log(tmp_path / name)
            assert not is_held(tmp_path / name)


def test_an_open_log_is_not_handed_on_to_other_programs(tmp_path):
    with Log(tmp_path / "log.jsonl") as log:
        assert not os.get_inheritable(log._file)
