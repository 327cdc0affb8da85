"""Files that belong together: all of them, or none, whatever goes wrong between."""

import os

import pytest

from refmaster.atomic import replacing, together
from refmaster.errors import BadOutput
from refmaster.save import write_text


def test_files_of_one_run_take_their_names_together(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with together() as files:
        write_text(tmp_path / "a.txt", "new", files)
        write_text(tmp_path / "b.txt", "other", files)
        assert (tmp_path / "a.txt").read_text() == "old"
        assert not (tmp_path / "b.txt").exists()
        assert files.now(tmp_path / "a.txt").read_text() == "new"
        assert files.now(tmp_path / "c.txt") == tmp_path / "c.txt"
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"a.txt": "new", "b.txt": "other"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, BadOutput, OSError])
def test_where_one_fails_none_is_there_and_what_stood_there_stands(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")

    def write() -> None:
        with together() as files:
            write_text(tmp_path / "a.txt", "new", files)
            with replacing(tmp_path / "b.txt", files) as temp:
                temp.write_text("half")
                raise error("full")

    with pytest.raises((error, BadOutput)):
        write()
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"a.txt": "old"}


def test_a_name_that_was_taken_meanwhile_is_not_written_over_where_it_must_be_new(tmp_path):
    def write() -> None:
        with together(new=True) as files:
            write_text(tmp_path / "a.txt", "new", files)
            write_text(tmp_path / "b.txt", "new", files)
            (tmp_path / "b.txt").write_text("theirs")

    with pytest.raises(BadOutput, match=r"b\.txt appeared while this ran, and nothing was written; --force"):
        write()
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"b.txt": "theirs"}


@pytest.mark.parametrize("theirs", ["new", "old", "newer", "ne", ""])
def test_what_holds_the_very_same_may_stand_under_a_name_that_must_be_new(theirs, tmp_path):
    def write() -> None:
        with together(new=True) as files:
            write_text(tmp_path / "a.txt", "new", files)
            write_text(tmp_path / "b.txt", "new", files)
            (tmp_path / "b.txt").write_text(theirs)

    if theirs == "new":
        write()
        assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"a.txt": "new", "b.txt": "new"}
        return
    with pytest.raises(BadOutput, match=r"b\.txt appeared while this ran"):
        write()
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"b.txt": theirs}


def test_a_link_to_the_very_same_is_not_the_same(tmp_path):
    (tmp_path / "theirs").write_text("new")

    def write() -> None:
        with together(new=True) as files:
            write_text(tmp_path / "a.txt", "new", files)
            (tmp_path / "a.txt").symlink_to("theirs")

    with pytest.raises(BadOutput, match=r"a\.txt appeared while this ran"):
        write()
    assert (tmp_path / "a.txt").is_symlink()


def test_so_it_is_with_one_file_alone(tmp_path):
    def write(*, new: bool) -> None:
        with replacing(tmp_path / "a.txt", new=new) as temp:
            temp.write_text("new")
            (tmp_path / "a.txt").write_text("theirs")

    with pytest.raises(BadOutput, match=r"a\.txt appeared while this ran"):
        write(new=True)
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"a.txt": "theirs"}
    write(new=False)
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_name_that_cannot_be_given_is_refused_in_one_line(tmp_path):
    def write() -> None:
        with together() as files:
            write_text(tmp_path / "a.txt", "new", files)
            os.mkdir(tmp_path / "a.txt")

    with pytest.raises(BadOutput, match=r"a\.txt could not be given its name .*; nothing was written$"):
        write()
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("links", [True, False], ids=["a folder with links", "a folder without"])
def test_where_the_last_cannot_be_named_the_others_are_not_and_what_they_replaced_stands(tmp_path, monkeypatch, links):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "elsewhere.txt").write_text("far")
    (tmp_path / "b.txt").symlink_to("elsewhere.txt")
    before = (tmp_path / "a.txt").stat()
    if not links:
        monkeypatch.setattr(os, "link", lambda *_, **__: os.open(tmp_path / "no such file", os.O_RDONLY))

    def write() -> None:
        with together() as files:
            for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
                write_text(tmp_path / name, "new", files)
            os.mkdir(tmp_path / "d.txt")

    with pytest.raises(BadOutput, match=r"d\.txt could not be given its name .*; nothing was written$"):
        write()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.txt", "b.txt", "d.txt", "elsewhere.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"
    assert ((tmp_path / "a.txt").stat().st_ino, (tmp_path / "a.txt").stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )
    assert (tmp_path / "b.txt").is_symlink()
    assert (tmp_path / "b.txt").read_text() == "far"
    os.rmdir(tmp_path / "d.txt")
    with together() as files:
        for name in ("a.txt", "b.txt"):
            write_text(tmp_path / name, "new", files)
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {
        "a.txt": "new",
        "b.txt": "new",
        "elsewhere.txt": "far",
    }


def test_an_interruption_between_two_names_waits_until_all_are_given(tmp_path, monkeypatch):
    """A master without its session would be half of a result."""
    replace, given = os.replace, []

    def struck(temp, out):
        replace(temp, out)
        given.append(out)
        if len(given) == 1:
            raise KeyboardInterrupt

    def write() -> None:
        with together() as files:
            write_text(tmp_path / "a.txt", "new", files)
            write_text(tmp_path / "b.txt", "other", files)
            monkeypatch.setattr(os, "replace", struck)

    with pytest.raises(KeyboardInterrupt):
        write()
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"a.txt": "new", "b.txt": "other"}


def test_an_interruption_of_a_hidden_file_s_making_leaves_none(tmp_path, monkeypatch):
    def struck(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "close", struck)
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.txt"):
        pass
    assert list(tmp_path.iterdir()) == []
