"""Where pictures are written, how, and what a reader is told when they cannot be; and the progress bar's errors."""
import errno
import os
import random
import re
import stat
from pathlib import Path

import pytest
from PIL import Image

NO_MODES = os.name != "posix"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder to work in, which is also the home folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    yield tmp_path
    for path in tmp_path.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755)


@pytest.fixture
def root(nb):
    """A small graph."""
    return nb.Node(2, name="a") * 3


def tree(folder="."):
    """Return all that is in a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*"))


def mode(path):
    """Return the permission bits of a file."""
    return stat.S_IMODE(os.stat(path).st_mode)


# ---- where

def test_a_relative_path_stays_relative(nb):
    assert nb._target("a.gif") == Path("a.gif") and nb._target(Path("new/../a.gif")) == Path("new/../a.gif")
    assert nb._target("new/deep/a.gif") == Path("new/deep/a.gif") and tree() == []


def test_a_tilde_is_the_home_folder(nb, here, root):
    assert nb._target("~/n.gif") == here / "n.gif" and nb._target(Path("~") / "new" / "n.gif") == here / "new" / "n.gif"
    saved = root.backward(gif="~/films/n.gif")
    assert saved.path == here / "films" / "n.gif" and "films/n.gif: " in repr(saved)
    drawing = root.draw_graph()
    assert drawing.save("~/n.svg") == here / "n.svg"
    nb._save(nb._Picture(b"data", "png", "x"), "~/n.png")
    assert tree() == ["films", "films/n.gif", "n.png", "n.svg"]


def test_a_tilde_elsewhere_is_a_letter(nb, here):
    assert nb._target("~notes.gif") == Path("~notes.gif") and nb._target("a~/b~.gif") == Path("a~/b~.gif")
    with pytest.raises(FileNotFoundError, match="~nobody-of-this-name is no user's home here; got ~nobody-of-this-name/n.gif"):
        nb._target("~nobody-of-this-name/n.gif")


@pytest.mark.skipif(NO_MODES, reason="the user list of Unix")
def test_the_home_of_a_user(nb, monkeypatch):
    import pwd
    me = pwd.getpwuid(os.getuid())
    assert nb._target(f"~{me.pw_name}/nothing.gif") == Path(me.pw_dir, "nothing.gif")


@pytest.mark.skipif(NO_MODES, reason="links need a right on Windows")
def test_a_link_is_followed_and_stays_a_link(nb, root):
    os.makedirs("store/deep")
    Path("store/deep/real.gif").write_bytes(b"old")
    os.symlink("deep/real.gif", "store/second.gif")
    os.symlink("store/second.gif", "first.gif")
    assert nb._target("first.gif") == Path("store/deep/real.gif")
    saved = root.backward(gif="first.gif")
    assert Path("first.gif").is_symlink() and Path("store/second.gif").is_symlink()
    assert Image.open("store/deep/real.gif").format == "GIF" and saved.path == Path("store/deep/real.gif")
    assert tree() == ["first.gif", "store", "store/deep", "store/deep/real.gif", "store/second.gif"]


@pytest.mark.skipif(NO_MODES, reason="links need a right on Windows")
def test_a_link_to_nothing_is_written_where_it_points(nb, here, root):
    os.symlink("new/store/graph-1", "graph.svg")
    os.symlink(here / "elsewhere.png", "absolute.png")
    os.symlink("store", "folder")
    os.mkdir("store")
    assert root.draw_graph().save("graph.svg") == Path("new/store/graph-1")  # the suffix is that of the link
    nb._write_whole(Path("absolute.png"), b"1")
    nb._write_whole(Path("folder/in.png"), b"2")
    assert Path("graph.svg").is_symlink() and Path("new/store/graph-1").read_text("utf-8").startswith("<svg")
    assert Path("elsewhere.png").read_bytes() == b"1" and Path("store/in.png").read_bytes() == b"2"


@pytest.mark.skipif(NO_MODES, reason="links need a right on Windows")
def test_a_link_in_a_circle_is_refused(nb):
    os.symlink("b.gif", "a.gif")
    os.symlink("a.gif", "b.gif")
    with pytest.raises(OSError, match="a.gif is a symbolic link that leads in a circle") as caught:
        nb._target("a.gif")
    assert caught.value.errno == errno.ELOOP


# ---- what cannot be

def refused(nb, path, kind, code, words, *example):
    """Return nothing; AssertionError unless a path is refused in this way, and nothing is made."""
    before = tree()
    with pytest.raises(kind, match=words) as caught:
        nb._target(path, *example)
    assert caught.value.errno == code and type(caught.value) is kind and tree() == before


def test_a_folder_is_told_a_file_name(nb, here):
    os.makedirs("films/b.gif")
    refused(nb, "films", IsADirectoryError, errno.EISDIR, r"films is a folder: add a file name such as films/backward\.gif$")
    refused(nb, Path("films/b.gif"), IsADirectoryError, errno.EISDIR, r"films/b\.gif is a folder.* films/b\.gif/backward\.gif$")
    refused(nb, "films", IsADirectoryError, errno.EISDIR, r"such as films/graph\.svg$", "graph.svg")
    for path in ("", ".", "..", "/", "~", here, "new/"):
        refused(nb, path, IsADirectoryError, errno.EISDIR, "is a folder: add a file name such as ")
    if not NO_MODES:
        os.symlink("films", "link")
        refused(nb, "link", IsADirectoryError, errno.EISDIR, "films is a folder")


@pytest.mark.parametrize("path", ["data.csv/n.gif", "data.csv/new/deep/n.gif", "nothing/n.gif"])
def test_a_file_is_no_folder(nb, path):
    Path("data.csv").write_text("1")
    if not NO_MODES:
        os.symlink("nowhere", "nothing")
    elif path[0] == "n":
        pytest.skip("links need a right on Windows")
    refused(nb, path, NotADirectoryError, errno.ENOTDIR,
            f"{path.split('/')[0]} is no folder, so it cannot hold {path}: choose another place")


@pytest.mark.parametrize("name, fits", [("x" * 251 + ".gif", True), ("x" * 252 + ".gif", False), ("ü" * 125 + "x.gif", True),
                                        ("ü" * 126 + ".gif", False), ("y" * 256 + "/n.gif", False), ("d/" * 200 + "n.gif", True)])
def test_long_names(nb, name, fits):
    if fits:
        nb._write_whole(Path(name), b"data")
        assert Path(name).read_bytes() == b"data" and len(os.listdir(Path(name).parent)) == 1
    else:
        refused(nb, name, OSError, errno.ENAMETOOLONG, r"a file name has at most 255 bytes; got 25[67]: .{40}…$")


def test_no_name_holds_a_zero(nb):
    refused(nb, "a\0b.gif", OSError, errno.EINVAL, r"no file name holds a character 0; got 'a\\x00b.gif'")


@pytest.mark.skipif(NO_MODES, reason="permission bits")
def test_a_read_only_file_stays_as_it_is_also_for_root(nb, root):
    Path("kept.gif").write_bytes(b"kept")
    os.chmod("kept.gif", 0o444)
    refused(nb, "kept.gif", PermissionError, errno.EACCES, "kept.gif is read-only: make it writable, or choose another name")
    with pytest.raises(PermissionError, match="kept.gif is read-only"):
        root.backward(gif="kept.gif")
    os.symlink("kept.gif", "link.gif")
    refused(nb, "link.gif", PermissionError, errno.EACCES, "kept.gif is read-only")
    assert Path("kept.gif").read_bytes() == b"kept" and mode("kept.gif") == 0o444 and tree() == ["kept.gif", "link.gif"]


@pytest.mark.skipif(NO_MODES, reason="permission bits")
def test_a_folder_that_takes_no_file(nb):
    os.mkdir("closed")
    Path("closed/n.gif").write_bytes(b"kept")
    os.chmod("closed", 0o555)
    for path in ("closed/n.gif", "closed/new.gif", "closed/new/n.gif"):
        refused(nb, path, PermissionError, errno.EACCES,
                f"no file can be made in the folder closed, so not {path}: choose another place")
    os.chmod(".", 0o555)
    refused(nb, "n.gif", PermissionError, errno.EACCES, r"in the folder \., so not n.gif:")
    os.chmod(".", 0o755)


@pytest.mark.parametrize("path", ["n.gif", "closed/n.gif"])
def test_what_the_system_forbids_without_bits_is_refused_too(nb, monkeypatch, path):
    """A file of someone else, a medium that is read-only."""
    os.mkdir("closed")
    Path("n.gif").write_bytes(b"")
    forbidden, access = Path(path) if path == "n.gif" else Path("closed"), os.access
    monkeypatch.setattr(os, "access", lambda what, how: Path(what) != forbidden and access(what, how))
    with pytest.raises(PermissionError, match=f"{forbidden}(,| is read-only)"):
        nb._target(path)
    assert nb._target("closed/n.gif" if path == "n.gif" else "n.gif")


@pytest.mark.skipif(NO_MODES, reason="special files")
def test_a_device_is_not_replaced(nb):
    os.mkfifo("pipe.png")
    refused(nb, "pipe.png", OSError, errno.EINVAL, "pipe.png is no ordinary file: choose another name")
    refused(nb, os.devnull, OSError, errno.EINVAL, "/dev/null is no ordinary file")


@pytest.mark.parametrize("path", [5, None, b"n.gif", ["n.gif"]])
def test_other_things_are_no_path(nb, path):
    with pytest.raises(TypeError):
        nb._target(path)


# ---- at once

def test_nothing_is_built_or_painted_for_a_path_that_cannot_be(nb, root, monkeypatch):
    os.mkdir("films")
    drawing, training = root.draw_graph(), nb.Training(nb.MLP(2, [1]), [[0, 0], [1, 1]], [-1, 1], steps=1)

    def never(*_, **__):
        raise AssertionError("this would be work for nothing")

    for name in ("_Scene", "_Painter", "_gif_bytes", "_NetworkPicture"):
        monkeypatch.setattr(nb, name, never)
    with pytest.raises(IsADirectoryError, match="such as films/backward.gif"):
        root.backward(gif="films")
    with pytest.raises(NotADirectoryError):
        Path("file").write_bytes(b"")
        root.backward(gif="file/n.gif", animate=True)
    with pytest.raises(IsADirectoryError, match="such as films/graph.svg"):
        drawing.save("films")
    with pytest.raises(OSError, match="255 bytes"):
        drawing.save("n" * 300 + ".png")
    with pytest.raises(IsADirectoryError, match="such as films/training.gif"):
        nb.save_movie(training, {0: [0, 0, 0]}, "films")
    with pytest.raises(IsADirectoryError, match="such as films/picture.png"):
        nb._save(nb._Picture(b"", "png", "x"), "films")
    assert tree() == ["file", "films"]


def test_a_movie_of_a_training_goes_home(nb, here):
    run = nb.Training(nb.MLP(2, [1], rng=random.Random(1)), [[0, 0], [1, 1]], [-1, 1], steps=2)
    run.train(live=False)
    saved = nb.save_movie(run, {0: [0, 0, 0], 1: [1, 0, 0]}, "~/movies/t.gif")
    assert saved.path == here / "movies" / "t.gif" and "movies/t.gif: 2 frames" in repr(saved)


# ---- how

def test_a_file_of_the_reader_is_not_lost(nb):
    """The temporary file once had this name."""
    Path(".n.gif.part").write_bytes(b"mine")
    nb._write_whole(Path("n.gif"), b"new")
    assert (Path(".n.gif.part").read_bytes(), Path("n.gif").read_bytes()) == (b"mine", b"new")


def test_no_two_temporary_files_share_a_name(nb, monkeypatch):
    seen, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda part, path: (seen.append(Path(part)), replace(part, path)))
    for _ in range(20):
        nb._write_whole(Path("films/n.gif"), b"data")
    assert len(set(seen)) == 20 and {path.parent for path in seen} == {Path("films")} and tree() == ["films", "films/n.gif"]
    assert all(re.fullmatch(r"\.[0-9a-f]{16,}", path.name) for path in seen)


@pytest.mark.skipif(NO_MODES, reason="permission bits")
@pytest.mark.parametrize("mask, bits", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_bits_of_any_new_file(nb, mask, bits):
    before = os.umask(mask)
    try:
        nb._write_whole(Path("n.gif"), b"data")
        assert mode("n.gif") == bits and os.umask(mask) == mask
    finally:
        os.umask(before)


@pytest.mark.skipif(NO_MODES, reason="permission bits")
@pytest.mark.parametrize("bits", [0o600, 0o640, 0o666, 0o755, 0o200])
def test_an_old_file_keeps_its_bits(nb, bits):
    Path("n.gif").write_bytes(b"old")
    os.chmod("n.gif", bits)
    os.symlink("n.gif", "link.gif")
    nb._write_whole(Path("link.gif"), b"new")
    assert mode("n.gif") == bits
    os.chmod("n.gif", 0o600)
    assert Path("n.gif").read_bytes() == b"new"


@pytest.mark.skipif(NO_MODES, reason="permission bits")
def test_a_private_file_is_private_all_the_time(nb, monkeypatch):
    Path("n.gif").write_bytes(b"old")
    os.chmod("n.gif", 0o600)
    seen, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda part, path: (seen.append(mode(part)), replace(part, path)))
    nb._write_whole(Path("n.gif"), b"new")
    assert seen == [0o600]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "disk full"), MemoryError])
@pytest.mark.parametrize("step", ["write", "replace"])
@pytest.mark.parametrize("old", [b"old", None])
def test_an_error_leaves_the_old_file_and_nothing_else(nb, monkeypatch, error, step, old):
    if old:
        Path("n.gif").write_bytes(old)

    def stop(*_):
        raise error

    class Broken:
        """A file that cannot be written."""

        write = stop

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    opened = Path.open

    def half(path, how="r", **more):
        with opened(path, how, **more) as file:
            file.write(b"half")
        assert [path.name] == [name for name in os.listdir() if name != "n.gif"]
        return Broken()

    with monkeypatch.context() as patched:
        patched.setattr(*((os, "replace", stop) if step == "replace" else (Path, "open", half)))
        with pytest.raises(error if isinstance(error, type) else OSError) as caught:
            nb._write_whole(Path("n.gif"), b"data")
    assert isinstance(error, type) or caught.value is error
    assert tree() == ["n.gif"] * bool(old) and (not old or Path("n.gif").read_bytes() == old)


# ---- the progress bar

class Handle:
    """What `display` returns."""

    def __init__(self, update):
        self.update = lambda *_, **__: update()


def test_an_interrupt_inside_the_first_picture_of_the_bar_comes_through(nb, monkeypatch):
    shown = []

    def display(bar, **_):
        shown.append(bar["text/plain"])
        if len(shown) == 1:
            raise KeyboardInterrupt
        return Handle(lambda: None)

    monkeypatch.setattr(nb, "display", display)
    with pytest.raises(KeyboardInterrupt) as caught, nb._Progress(3, "training") as progress:
        progress(1)
    assert caught.value.__context__ is None and shown[-1] == "training 1/3" and len(shown) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_bar_that_can_never_be_shown_hides_no_error(nb, monkeypatch, error):
    def display(*_, **__):
        raise error("no screen")

    monkeypatch.setattr(nb, "display", display)
    with pytest.raises(error, match="no screen"), nb._Progress(3, "training") as progress:
        progress(1)
    with pytest.raises(error, match="no screen"), nb._Progress(3, "training"):
        pass
    monkeypatch.setattr(nb, "display", lambda *_, **__: 1 / 0)
    with pytest.raises(error, match="mine"), nb._Progress(3, "training"):
        raise error("mine")


@pytest.mark.parametrize("answer", [None, Handle(lambda: None), Handle(lambda: 1 / 0), "no handle"])
def test_the_first_error_is_the_one_to_hear_of(nb, monkeypatch, answer):
    monkeypatch.setattr(nb, "display", lambda *_, **__: answer)
    for steps in (0, 1):
        with pytest.raises(KeyboardInterrupt), nb._Progress(3, "training") as progress:
            for done in range(steps):
                progress(done)
            raise KeyboardInterrupt


def test_a_bar_can_be_drawn_before_it_is_entered(nb, monkeypatch):
    shown = []
    monkeypatch.setattr(nb, "display", lambda bar, **_: shown.append(bar["text/plain"]))
    nb._Progress(3, "training").draw()
    assert shown == ["training 0/3, about 0 s left"]


def test_an_interrupt_while_the_first_frame_of_a_gif_is_painted(nb, root, monkeypatch):
    monkeypatch.setattr(nb, "display", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    monkeypatch.setattr(nb.math, "prod", lambda sizes: 1e9)  # long enough for a bar
    with pytest.raises(KeyboardInterrupt):
        root.backward(gif="big.gif")
    assert tree() == []


def test_what_is_no_file_name_is_refused_by_name(nb):
    drawing = (nb.Node(1.0) * 2).draw_graph()
    with pytest.raises(TypeError, match="write to a file name such as .graph.svg.; got None"):
        drawing.save(None)
    with pytest.raises(OSError, match="half a character"):
        drawing.save("\ud800.svg")
