"""What Windows and WSL call the same place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.jobs.train.paths import Unmapped, is_windows, to_windows, to_wsl, word_to_wsl

UBUNTU = "Ubuntu-24.04"

TO_WSL = [
    (r"C:\data", "/mnt/c/data"),
    (r"c:\data", "/mnt/c/data"),
    (r"D:\My Files\twin data", "/mnt/d/My Files/twin data"),
    (r"C:/Users/ada/data", "/mnt/c/Users/ada/data"),
    (r"C:\Users/ada\data", "/mnt/c/Users/ada/data"),
    ("C:\\", "/mnt/c"),
    ("C:/", "/mnt/c"),
    ("C:\\data\\", "/mnt/c/data"),
    (r"C:\data\\twice", "/mnt/c/data/twice"),
    (r"Z:\größe\日本", "/mnt/z/größe/日本"),
    (r"C:\it's $HOME & more", "/mnt/c/it's $HOME & more"),
    (r"\\?\C:\very\long", "/mnt/c/very/long"),
    (r"\\wsl$\Ubuntu-24.04\home\ada\data", "/home/ada/data"),
    (r"\\wsl.localhost\Ubuntu-24.04\home\ada\data", "/home/ada/data"),
    (r"\\WSL.LOCALHOST\ubuntu-24.04\home\ada", "/home/ada"),
    (r"\\?\UNC\wsl.localhost\Ubuntu-24.04\srv", "/srv"),
    (r"//wsl$/Ubuntu-24.04/home/ada/my data", "/home/ada/my data"),
    (r"\\wsl$\Ubuntu-24.04", "/"),
    ("\\\\wsl$\\Ubuntu-24.04\\", "/"),
    ("/home/ada/data", "/home/ada/data"),
    ("/mnt/c/data", "/mnt/c/data"),
    ("~", "~"),
    ("~/digital_twin_data", "~/digital_twin_data"),
    (r"~\digital_twin_data\a b", "~/digital_twin_data/a b"),
]


@pytest.mark.parametrize(("path", "wanted"), TO_WSL, ids=[path for path, _ in TO_WSL])
def test_how_wsl_calls_it(path: str, wanted: str) -> None:
    assert to_wsl(path, UBUNTU) == wanted


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (r"\\wsl$\Debian\home", "belongs to Debian"),
        (r"\\nas\share\data", "network share"),
        (r"\\?\UNC\nas\share", "network share"),
        ("C:data", "relative to where C: stands"),
        ("C:", "relative to where C: stands"),
        ("data", "relative"),
        (r"data\sub", "relative"),
        ("", "relative"),
        ("~ada/data", "relative"),
    ],
)
def test_what_has_no_name_there(path: str, why: str) -> None:
    with pytest.raises(Unmapped, match=why):
        to_wsl(path, UBUNTU)


def test_another_place_for_the_drives() -> None:
    assert to_wsl(r"C:\data", UBUNTU, "/") == "/c/data"
    assert to_wsl(r"C:\data", UBUNTU, "/windir/") == "/windir/c/data"
    assert to_windows("/windir/c/data", UBUNTU, "/windir/") == r"C:\data"
    assert to_windows("/mnt/c/data", UBUNTU, "/windir/").startswith(r"\\wsl.localhost")


TO_WINDOWS = [
    ("/mnt/c/data", r"C:\data"),
    ("/mnt/c", "C:\\"),
    ("/mnt/d/My Files/x", r"D:\My Files\x"),
    ("/mnt/nas/x", r"\\wsl.localhost\Ubuntu-24.04\mnt\nas\x"),
    ("/home/ada/my data", r"\\wsl.localhost\Ubuntu-24.04\home\ada\my data"),
    ("/", r"\\wsl.localhost\Ubuntu-24.04"),
    (r"C:\data", r"C:\data"),
]


@pytest.mark.parametrize(("path", "wanted"), TO_WINDOWS)
def test_how_windows_calls_it(path: str, wanted: str) -> None:
    assert to_windows(path, UBUNTU) == wanted


@pytest.mark.parametrize("path", ["~/x", "x", "/home/a:b", "/home/a?b", "/a\\b", "/a\nb"])
def test_what_windows_cannot_call(path: str) -> None:
    with pytest.raises(Unmapped):
        to_windows(path, UBUNTU)


PARTS = st.lists(
    st.text(st.characters(blacklist_characters='\\/:*?"<>|', min_codepoint=32), min_size=1),
    min_size=1,
    max_size=5,
)


@given(st.sampled_from("CDZ"), PARTS)
def test_a_drive_there_and_back(letter: str, parts: list[str]) -> None:
    path = f"{letter}:\\" + "\\".join(parts)
    assert to_windows(to_wsl(path, UBUNTU), UBUNTU) == path


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("train.py", "train.py"),
        (r"C:\cfg\a.json", "/mnt/c/cfg/a.json"),
        (r"--config=C:\cfg\a.json", "--config=/mnt/c/cfg/a.json"),
        (r"text=C:\x", r"text=C:\x"),
        ("--lr=1e-4", "--lr=1e-4"),
        (r"\\wsl$\Ubuntu-24.04\x", "/x"),
        ("a:b:c", "a:b:c"),
    ],
)
def test_words_of_a_command(word: str, wanted: str) -> None:
    assert word_to_wsl(word, UBUNTU) == wanted


def test_what_is_of_windows() -> None:
    assert all(map(is_windows, (r"C:\x", "c:/x", r"\\nas\x", "//wsl$/U/x", r"\\?\C:\x")))
    assert not any(map(is_windows, ("/x", "~/x", "x/y", "//x/y", "")))
