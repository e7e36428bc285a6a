from __future__ import annotations

import builtins
import collections
import contextlib
import os
import pickle
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobench.files import tables as data_module
from mobench.files.pickles import load_pickle
from mobench.files.tables import Column, Table, data_folder, load_table, save_table


@contextlib.contextmanager
def refused_or_not(message: str) -> Iterator[None]:
    """Nothing but a ValueError with this message, on one line, may come out of the block."""
    text = message
    try:
        yield
    except ValueError as error:
        text = str(error)
    assert message in text
    assert "\n" not in text


@pytest.fixture
def table() -> Table:
    values = np.arange(12.0).reshape(6, 2)
    names = np.array(["a", "bb", "ccc", "d", "e", "f"])
    return Table({"acc": Column(values, "%", {"split": "test"}), "name": Column(names)}, {"source": "nowhere"})


def test_a_table_comes_back_as_it_was_saved(tmp_path: Path, table: Table) -> None:
    save_table(tmp_path / "t.npz", table)
    back = load_table(tmp_path / "t.npz")
    assert back.about == {"source": "nowhere"}
    assert list(back.columns) == ["acc", "name"]
    assert back.columns["acc"].unit == "%"
    assert back.columns["acc"].about == {"split": "test"}
    np.testing.assert_array_equal(back["acc"], table["acc"])
    np.testing.assert_array_equal(back["name"], table["name"])
    assert "acc" in back
    assert "other" not in back


def test_the_same_table_makes_the_same_bytes(tmp_path: Path, table: Table) -> None:
    save_table(tmp_path / "a.npz", table)
    save_table(tmp_path / "b.npz", table)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_an_unknown_column_names_the_known_ones(table: Table) -> None:
    with pytest.raises(KeyError, match="no column 'top1'; there are acc, name"):
        table["top1"]


def test_a_missing_table_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such table"):
        load_table(tmp_path / "t.npz")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_table_is_refused_in_one_line_with_a_cure(tmp_path: Path, table: Table, share: float) -> None:
    path = tmp_path / "t.npz"
    save_table(path, table)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"t\.npz: damaged table .*import it again") as caught:
        load_table(path)
    assert "\n" not in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_no_value(
    place: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "flip.npz"
    values = np.linspace(0, 1, 50)
    save_table(path, Table({"x": Column(values, "ms")}))
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    with refused_or_not("damaged table"):
        np.testing.assert_array_equal(load_table(path)["x"], values)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=400))
def test_any_bytes_are_refused_as_a_table(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged table"):
        load_table(path)


def test_a_changed_value_with_a_valid_archive_fails_its_checksum(tmp_path: Path, table: Table) -> None:
    path = tmp_path / "t.npz"
    save_table(path, table)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["column_0"] = arrays["column_0"] + 1e-9
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="'acc' does not match its checksum"):
        load_table(path)


def test_another_format_version_is_named(tmp_path: Path, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_module, "TABLE_FORMAT", 7)
    save_table(tmp_path / "t.npz", table)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format 7, this mobench reads format 1"):
        load_table(tmp_path / "t.npz")


@pytest.mark.parametrize("header", [b"[]", b"{}", b'{"format": 1}', b"not json", b'{"format": 1, "columns": []}'])
def test_a_wrong_header_is_refused(tmp_path: Path, header: bytes) -> None:
    np.savez(tmp_path / "t.npz", header=np.frombuffer(header, dtype=np.uint8))
    with pytest.raises(ValueError, match="damaged table"):
        load_table(tmp_path / "t.npz")


def test_an_archive_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    header = orjson.dumps({"format": 1, "about": {}, "columns": {"x": {"unit": "", "about": {}, "sha256": ""}}})
    objects = np.array([Evil(os.system, "false")], dtype=object)
    np.savez(tmp_path / "t.npz", header=np.frombuffer(header, dtype=np.uint8), column_0=objects)
    with pytest.raises(ValueError, match="damaged table"):
        load_table(tmp_path / "t.npz")


def test_columns_of_different_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"different lengths: \{'a': 2, 'b': 3\}"):
        save_table(tmp_path / "t.npz", Table({"a": Column(np.zeros(2)), "b": Column(np.zeros(3))}))
    assert not list(tmp_path.iterdir())


def test_columns_of_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'a' holds Python objects"):
        save_table(tmp_path / "t.npz", Table({"a": Column(np.array([{}], dtype=object))}))


def test_a_failed_save_leaves_the_old_table_and_no_scratch_file(
    tmp_path: Path, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.npz"
    save_table(path, table)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        save_table(path, Table({"a": Column(np.zeros(2))}))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["t.npz"]


def test_tables_are_plain_zip_archives_of_arrays(tmp_path: Path, table: Table) -> None:
    save_table(tmp_path / "t.npz", table, compress=True)
    with zipfile.ZipFile(tmp_path / "t.npz") as archive:
        assert sorted(archive.namelist()) == ["column_0.npy", "column_1.npy", "header.npy"]
    np.testing.assert_array_equal(load_table(tmp_path / "t.npz")["acc"], table["acc"])


def test_the_data_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.delenv("MOBENCH_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", "/x")
    assert data_folder() == Path("/x/mobench")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert data_folder() == Path.home() / ".local" / "share" / "mobench"


class Evil:
    """Pickles as a call of `function`."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


PLAIN = {
    "none": None,
    "numbers": [1, 2.5, True, 3 + 4j, 10**30],
    "texts": ("a", b"b", bytearray(b"c")),
    "sets": {frozenset({1}), frozenset()},
    "ordered": collections.OrderedDict(a=1),
    "array": np.arange(6, dtype=np.float32).reshape(2, 3),
    "strings": np.array(["x", "yy"]),
    "scalar": np.float64(0.1),
    "type": np.dtype("int8"),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_comes_through_every_protocol(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "plain.pickle"
    path.write_bytes(pickle.dumps(PLAIN, protocol=protocol))
    for back in (load_pickle(path), load_pickle(path.read_bytes())):
        assert list(back) == list(PLAIN)
        np.testing.assert_array_equal(back["array"], PLAIN["array"])
        np.testing.assert_array_equal(back["strings"], PLAIN["strings"])
        assert all(back[name] == PLAIN[name] for name in set(PLAIN) - {"array", "strings"})


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch {mark}",)),
        (os.mkdir, ("{mark}",)),
        (subprocess.check_output, (["touch", "{mark}"],)),
        (builtins.eval, ("open('{mark}', 'w')",)),
        (builtins.exec, ("open('{mark}', 'w')",)),
        (builtins.open, ("{mark}", "w")),
        (builtins.__import__, ("os",)),
        (builtins.getattr, (os, "system")),
        (np.load, ("{mark}",)),
        (np.save, ("{mark}", np.zeros(1))),
    ],
)
def test_a_pickle_that_calls_something_is_refused_and_nothing_runs(
    function: object, arguments: tuple[object, ...], tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    filled = tuple(a.format(mark=mark) if isinstance(a, str) else a for a in arguments)
    filled = tuple([x.format(mark=mark) for x in a] if isinstance(a, list) else a for a in filled)
    path = tmp_path / "evil.pickle"
    try:
        path.write_bytes(pickle.dumps([1, Evil(function, *filled)]))
    except (TypeError, pickle.PicklingError):  # a module cannot be pickled: spell it out
        path.write_bytes(b"cbuiltins\ngetattr\n(cos\nenviron\nVsystem\ntR.")
    with pytest.raises(ValueError, match="refused or damaged pickle: it asks for") as caught:
        load_pickle(path)
    assert "\n" not in str(caught.value)
    assert not mark.exists()
    assert not mark.with_suffix(".npy").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(Vtouch mark\ntR.",
        b"c__builtin__\neval\n(V1\ntR.",
        b"cnumpy\ntestinging\n.",
        b"cnumpy\nload\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x0crec.fromfile\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x11dtype.__class__.a\x93.",
        b"\x80\x02\x82\x01.",
        b"ibuiltins\nexec\n(V1\n.",
        b"Pid\n.",
    ],
)
def test_hand_made_opcodes_get_no_further(content: bytes) -> None:
    with pytest.raises(ValueError, match="refused or damaged pickle"):
        load_pickle(content)


@settings(max_examples=500, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_give_plain_data_or_a_value_error(content: bytes) -> None:
    with refused_or_not("refused or damaged pickle"):
        load_pickle(content)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10**9), value=st.integers(0, 255))
def test_a_damaged_pickle_gives_data_or_a_value_error(place: int, value: int) -> None:
    content = bytearray(pickle.dumps({"a": [1.5, "x", (2, None)], "b": {"c": b"d"}}, protocol=4))
    content[place % len(content)] = value
    with refused_or_not("refused or damaged pickle"):
        load_pickle(bytes(content))
