"""Files are written whole, below their folder, through no link, as the umask says; what is read is a file."""

import fcntl
import os
import stat

import pytest

from mobench.files.documents import read_document, write_document
from mobench.files.reading import read_file
from mobench.files.writing import check_below, is_ours, written_whole


def write(path, content=b"new", **options):
    with written_whole(path, **options) as file:
        file.write(content)


@pytest.fixture
def profile(tmp_path):
    """A file of the user's that nobody may change."""
    path = tmp_path / "home" / "profile"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    return path


def test_a_link_in_the_place_of_a_file_is_replaced_and_what_it_led_to_stays(tmp_path, profile):
    out = tmp_path / "out"
    out.mkdir()
    (out / "t.csv").symlink_to(profile)
    (out / "dangling.csv").symlink_to(tmp_path / "home" / "other")
    for name in ("t.csv", "dangling.csv"):
        write(out / name, below=out)
        assert (out / name).read_bytes() == b"new"
        assert not (out / name).is_symlink()
    assert profile.read_bytes() == b"mine"
    assert os.listdir(tmp_path / "home") == ["profile"]


@pytest.mark.parametrize("made", [True, False], ids=["one that is there", "a dangling one"])
def test_nothing_is_written_through_a_linked_folder(tmp_path, profile, made):
    out = tmp_path / "out"
    out.mkdir()
    (out / "tables").symlink_to(profile.parent if made else tmp_path / "elsewhere")
    with pytest.raises(OSError, match="tables: is a symbolic link; nothing is written through it"):
        write(out / "tables" / "deep" / "t.csv", below=out)
    assert os.listdir(profile.parent) == ["profile"]
    assert not (tmp_path / "elsewhere").exists()


def test_the_folder_that_the_user_named_may_be_a_link_and_is_made_where_it_is_not(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    write(tmp_path / "results" / "x" / "tables" / "t.csv", below=tmp_path / "results" / "x")
    assert (tmp_path / "disk" / "x" / "tables" / "t.csv").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["../t.csv", "tables/../../t.csv", "/t.csv"])
def test_nothing_is_written_outside_the_folder(tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ValueError, match="does not lie below"):
        write(out / name, below=out)
    assert os.listdir(tmp_path) == ["out"]


def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match=f"{name}: is there already, and no file"):
            write(tmp_path / name)
    assert stat.S_ISFIFO(os.lstat(tmp_path / "pipe").st_mode)
    assert sorted(os.listdir(tmp_path)) == ["folder", "pipe"]


@pytest.mark.parametrize("umask", [0o002, 0o027, 0o077])
def test_files_and_folders_have_the_rights_that_the_umask_leaves(tmp_path, umask):
    before = os.umask(umask)
    try:
        write(tmp_path / "out" / "tables" / "t.csv", below=tmp_path / "out")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out" / "tables" / "t.csv").stat().st_mode) == 0o666 & ~umask
    assert stat.S_IMODE((tmp_path / "out" / "tables").stat().st_mode) == 0o777 & ~umask


def test_a_file_of_the_longest_name_can_be_written(tmp_path):
    write(tmp_path / ("x" * 255))
    assert os.listdir(tmp_path) == ["x" * 255]


def test_scratch_files_of_kills_are_swept_and_those_of_others_at_work_are_not(tmp_path):
    left, mine = ".mobench-0123456789ab.tmp", ".mobench-notes.tmp"
    for name in (left, mine):
        (tmp_path / name).write_bytes(b"half")
    with written_whole(tmp_path / "theirs.csv") as file:
        file.write(b"at work")
        (at_work,) = set(os.listdir(tmp_path)) - {mine}
        (tmp_path / left).write_bytes(b"half")
        write(tmp_path / "t.csv")
        assert set(os.listdir(tmp_path)) == {at_work, mine, "t.csv"}
    assert (tmp_path / "theirs.csv").read_bytes() == b"at work"


def test_a_scratch_file_that_is_swept_up_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    lock = fcntl.flock

    def swept(*arguments):
        monkeypatch.undo()
        (name,) = os.listdir(tmp_path)
        (tmp_path / name).unlink()
        return lock(*arguments)

    monkeypatch.setattr("fcntl.flock", swept)
    write(tmp_path / "t.csv")
    assert os.listdir(tmp_path) == ["t.csv"]


def test_a_file_system_without_locks_can_be_written_to(tmp_path, monkeypatch):
    (tmp_path / ".mobench-0123456789ab.tmp").write_bytes(b"half")

    def none(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    write(tmp_path / "t.csv")
    assert sorted(os.listdir(tmp_path)) == [".mobench-0123456789ab.tmp", "t.csv"]


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    write(tmp_path / "t.csv", b"old")
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "t.csv") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["t.csv"]
    assert (tmp_path / "t.csv").read_bytes() == b"old"


def test_a_link_on_the_way_is_seen_before_anything_is_written(tmp_path):
    check_below(tmp_path / "runs" / "not" / "yet", tmp_path)
    (tmp_path / "runs").symlink_to(tmp_path.parent)
    with pytest.raises(OSError, match="runs: is a symbolic link"):
        check_below(tmp_path / "runs" / "not" / "yet", tmp_path)


def test_only_a_file_with_just_these_bytes_is_ours(tmp_path):
    digest = "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"  # of b"new"
    write(tmp_path / "out" / "t.csv", below=tmp_path / "out")
    write(tmp_path / "t.csv")
    (tmp_path / "out" / "link.csv").symlink_to(tmp_path / "t.csv")
    assert is_ours(tmp_path / "out" / "t.csv", tmp_path / "out", digest)
    assert not is_ours(tmp_path / "out" / "t.csv", tmp_path / "out", digest[::-1])
    for name in ("../t.csv", "link.csv", "none.csv", str(tmp_path / "t.csv"), "../out/t.csv"):
        assert not is_ours(tmp_path / "out" / name, tmp_path / "out", digest)


@pytest.mark.parametrize("odd", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_cannot_hold_is_refused_and_does_not_vanish(tmp_path, odd):
    with pytest.raises(ValueError, match=r"spec.json: options.sigma\[1\] is -?(inf|nan), which a document cannot hold"):
        write_document(tmp_path / "spec.json", {"format": 1, "options": {"sigma": [1.0, odd]}})
    assert os.listdir(tmp_path) == []


def test_pipes_and_devices_are_refused_where_a_file_is_read(tmp_path):
    os.mkfifo(tmp_path / "end.json")
    with pytest.raises(ValueError, match=r"end\.json: not a file but a pipe or a device"):
        read_document(tmp_path / "end.json")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(ValueError, match="zero: not a file but a pipe or a device"):
        read_file(tmp_path / "zero")
