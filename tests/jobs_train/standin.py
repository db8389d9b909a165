"""A stand-in for `wsl.exe`: runs the command in a root of its own, with a home and Windows' drives of its own."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

DISTRO = "Ubuntu-24.04"
_PROGRAM = """#!{python} -I
import os, sys
words = sys.argv[1:]
if words[:1] != ["-d"] or words[2:3] != ["--"]:
    sys.exit("unknown option")
if words[1] != {distro!r}:
    sys.stdout.buffer.write("There is no distribution with the supplied name.\\r\\n".encode("utf-16-le"))
    sys.exit(255)
print("Welcome to the stand-in")
sys.stdout.flush()
root = {root!r}
if {chroot}:
    os.chroot(root)
    os.chdir("/")
else:
    os.chdir(root + "/home")
environment = {{"PATH": os.environ["PATH"], "HOME": "/home" if {chroot} else root + "/home", "LANG": "C.UTF-8"}}
# As the real one does: the words pass through a shell.
os.execve("/bin/sh", ["sh", "-c", " ".join(words[3:])], environment)
"""


def standin(folder: Path, chroot: bool = False) -> Path:
    """Puts the program into `folder`/bin and gives the root it runs commands in."""
    root = folder / "distro"
    (root / "home").mkdir(parents=True)
    programs = folder / "bin"
    programs.mkdir()
    program = programs / "wsl.exe"
    program.write_text(
        _PROGRAM.format(python=sys.executable, distro=DISTRO, root=str(root), chroot=chroot)
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return root


def path_with(folder: Path) -> str:
    return f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
