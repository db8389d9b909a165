"""An agent is started whatever the login shell and the home are like, or the reason is said in words."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from console.channels import bundle as bundles
from console.channels.bundle import Bundle
from console.errors import LinkError
from console.fleet.model import Problem, ProblemKind
from console.sessions import bootstrap, greeting
from tests.sessions.shells import ShellDialer
from workers.protocol import Configure, Hello, encode_message

PYENV = Path.home() / ".pyenv/versions"
THEN = encode_message(Configure(interest="off"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


def state_of(home: Path) -> Path:
    return home / ".local/state/quarterdeck"


def stored(home: Path) -> list[Path]:
    return sorted((state_of(home) / "agents").iterdir())


async def start(dialer: ShellDialer, bundle: Bundle | None = None) -> tuple[Hello, list[str]]:
    """A hello from an agent started through `dialer`, and the steps it took. Raises LinkError."""
    bundle = bundle or bundles.build()
    steps: list[str] = []
    channel = await dialer.dial(bootstrap.command(bundle), steps.append)
    try:
        started = await bootstrap.start_agent(channel, bundle, steps.append, THEN)
        hello, _ = await greeting.receive(channel, started.rest, started.noise)
        return hello, steps
    finally:
        await channel.close()


async def problem(dialer: ShellDialer, bundle: Bundle | None = None) -> Problem:
    with pytest.raises(LinkError) as caught:
        await start(dialer, bundle)
    return caught.value.problem


def sends(steps: list[str]) -> bool:
    return any("sending" in step for step in steps)


# ---------------------------------------------------------------- shells


def test_the_command_has_only_characters_that_every_shell_leaves_alone() -> None:
    command = bootstrap.command(bundles.build())
    assert command.startswith("exec /bin/sh -c '")
    assert command.endswith("'")
    assert command.count("'") == 2
    assert not set("!\\\n\r\t") & set(command)
    assert command.isascii()
    assert command == bootstrap.command(bundles.build())


@pytest.mark.parametrize(
    "shell", ["sh", "bash", "dash", "zsh", "fish", "tcsh", "csh", "ksh", "mksh"]
)
async def test_login_shell(shell: str, home: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    hello, _ = await start(ShellDialer([program, "-c"], home=home))
    assert hello.home == str(home)
    assert hello.warnings == ()


async def test_a_start_file_that_prints_is_passed_over_and_kept_as_a_warning(home: Path) -> None:
    (home / ".bashrc").write_text("echo 'Welcome to \033[31mnode\033[0m!'; printf 'no newline'\n")
    hello, _ = await start(ShellDialer(["bash", "-ic"], home=home))
    (warning,) = hello.warnings
    assert "Welcome to" in warning
    assert "no newline" in warning
    assert "\x1b" not in warning


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "DEADLINE_S", 1.5)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("line", ["sleep 60", "read answer </dev/zero", "exec sleep 60"])
async def test_a_start_file_that_blocks_is_named_after_the_deadline(line: str, home: Path) -> None:
    (home / ".bashrc").write_text(line + "\n")
    found = await problem(ShellDialer(["bash", "-ic"], home=home))
    assert found.kind is ProblemKind.SHELL
    assert ".bashrc" in found.remedy


@pytest.mark.usefixtures("impatient")
async def test_an_echo_of_what_we_send_is_not_an_answer(home: Path) -> None:
    found = await problem(ShellDialer(["sh", "-c", "cat #{}"], home=home))
    assert found.kind is ProblemKind.SHELL
    assert "no agent answered" in found.text


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["sh", "-c", "echo 'This is a \033]0;x\007 git server'; exit 1 #{}"], "git server"),
        (["sh", "-c", "echo This account is currently not available.; exit 1 #{}"], "nologin"),
        (["bash", "-r", "-c"], "restricted"),
        (["/bin/false"], "said nothing"),
        (["sh", "-c", "echo oops >&2; exit 3 #{}"], "oops"),
    ],
    ids=["forced command", "nologin", "rbash", "false", "stderr"],
)
async def test_an_account_that_runs_no_commands_says_so(
    argv: list[str], words: str, home: Path
) -> None:
    found = await problem(ShellDialer(argv, home=home))
    assert found.kind is ProblemKind.SHELL
    assert found.sticky
    assert words in found.text
    assert not {"\x1b", "\x07"} & set(found.text)
    assert found.remedy


async def test_an_endless_flood_is_cut_off(home: Path) -> None:
    found = await problem(ShellDialer(["sh", "-c", "yes spam #{}"], home=home))
    assert found.kind is ProblemKind.SHELL
    assert "spam" in found.text
    assert len(found.text) < 500


# ---------------------------------------------------------------- Python


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """A PATH with just these: name → interpreter or the text of a script."""
    monkeypatch.setattr(bootstrap, "_INTERPRETERS", ("python3", "python3.9", "python3.8"))
    folder = tmp_path / "bin"
    folder.mkdir()

    def make(**programs: Path | str) -> str:
        for name, target in programs.items():
            place = folder / name.replace("_", ".")
            if isinstance(target, Path):
                if not target.exists():
                    pytest.skip(f"{target} is not there")
                place.write_text(f'#!/bin/sh\nexec {target} "$@"\n')
            else:
                place.write_text(target)
            place.chmod(0o755)
        return str(folder)

    return make


async def test_an_old_python_is_passed_over_for_a_newer_one(
    only: Callable[..., str], home: Path
) -> None:
    path = only(python3=PYENV / "3.6.15/bin/python3.6", python3_9=PYENV / "3.9.18/bin/python3.9")
    hello, _ = await start(ShellDialer(home=home, path=path))
    assert hello.python == "3.9.18"
    assert hello.warnings == ()


async def test_only_old_pythons_are_named_with_the_minimum(
    only: Callable[..., str], home: Path
) -> None:
    path = only(python3=PYENV / "3.6.15/bin/python3.6", python3_8=PYENV / "3.8.18/bin/python3.8")
    dialer = ShellDialer(home=home, path=path)
    found = await problem(dialer)
    assert found.kind is ProblemKind.NO_PYTHON
    assert "3.9" in found.text
    assert "3.6.15" in found.text
    assert "3.8.18" in found.text


async def test_no_python_at_all(only: Callable[..., str], home: Path) -> None:
    found = await problem(ShellDialer(home=home, path=only()))
    assert found.kind is ProblemKind.NO_PYTHON
    assert "found none" in found.text


@pytest.mark.parametrize(
    "broken",
    [
        "#!/bin/sh\necho 'pyenv: python3: command not found' >&2; exit 127\n",
        "#!/bin/sh\nexit 1\n",
        "#!/nonexistent/interpreter\n",
        PYENV / "2.7.18/bin/python2.7",
    ],
    ids=["shim", "fails", "bad interpreter", "python 2"],
)
async def test_a_broken_python3_is_passed_over(
    broken: Path | str, only: Callable[..., str], home: Path
) -> None:
    path = only(python3=broken, python3_9=PYENV / "3.9.18/bin/python3.9")
    hello, _ = await start(ShellDialer(home=home, path=path))
    assert hello.python == "3.9.18"


# ---------------------------------------------------------------- the home


async def test_the_bundle_is_sent_once_and_kept_private(home: Path) -> None:
    _, first = await start(ShellDialer(home=home))
    _, second = await start(ShellDialer(home=home))
    assert sends(first)
    assert not sends(second)
    (file,) = stored(home)
    assert file.name == f"agent-{bundles.build().digest}.pyz"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(state_of(home).stat().st_mode) == 0o700


@pytest.mark.parametrize("umask", ["000", "077", "777"])
async def test_modes_do_not_depend_on_the_umask(umask: str, home: Path) -> None:
    dialer = ShellDialer(["sh", "-c", f"umask {umask}; {{}}"], home=home)
    hello, _ = await start(dialer)
    assert hello.state_directory == str(state_of(home))
    (file,) = stored(home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state_of(home).stat().st_mode) == 0o700


async def test_a_home_with_blanks_and_quotes(tmp_path: Path) -> None:
    home = tmp_path / "my 'home' $(id) \"x\""
    home.mkdir()
    hello, _ = await start(ShellDialer(home=home))
    assert hello.state_directory == str(state_of(home))


@pytest.mark.parametrize("language", ["", "C", "de_DE.ISO-8859-1", "C.UTF-8"])
async def test_any_language_setting(language: str, home: Path) -> None:
    hello, _ = await start(ShellDialer(home=home, LANG=language, LC_ALL=language))
    assert hello.home == str(home)


@pytest.mark.parametrize("plant", ["code", "symlink", "fifo", "folder", "huge"])
async def test_a_planted_agent_is_never_run(plant: str, home: Path, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    folder = state_of(home) / "agents"
    folder.mkdir(parents=True)
    place = folder / f"agent-{bundles.build().digest}.pyz"
    evil = tmp_path / "evil.pyz"
    packed = bundles.pack(
        {"workers/__init__.py": f"open({str(witness)!r}, 'w')".encode(), **_boot_sources()}
    )
    evil.write_bytes(packed.data)
    if plant == "code":
        shutil.copy(evil, place)
    elif plant == "symlink":
        place.symlink_to(evil)
    elif plant == "fifo":
        os.mkfifo(place)
    elif plant == "folder":
        place.mkdir()
    else:
        with place.open("wb") as file:
            file.truncate(1 << 40)
    hello, steps = await start(ShellDialer(home=home))
    assert sends(steps)
    assert not witness.exists()
    assert any("agent-" in warning for warning in hello.warnings)
    hello, _ = await start(ShellDialer(home=home))
    assert not witness.exists()


def _boot_sources() -> dict[str, bytes]:
    return {name: data for name, data in bundles.sources().items() if name != "workers/__init__.py"}


async def test_nothing_of_the_environment_is_imported(home: Path, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    evil = f"open({str(witness)!r}, 'w')\n"
    folder = tmp_path / "cwd"
    (folder / "workers").mkdir(parents=True)
    names = (
        "json",
        "zlib",
        "os",
        "select",
        "threading",
        "sitecustomize",
        "usercustomize",
        "pynvml",
    )
    for name in names:
        (folder / f"{name}.py").write_text(evil)
    (folder / "workers/__init__.py").write_text(evil)
    startup = folder / "json.py"
    dialer = ShellDialer(
        home=home, cwd=folder, PYTHONPATH=str(folder), PYTHONSTARTUP=str(startup),
        PYTHONHOME="/nonexistent", PYTHONUSERBASE=str(folder), PYTHONINSPECT="1",
        PYTHONWARNINGS="error", BASH_ENV=str(tmp_path / "none"), LD_LIBRARY_PATH=str(folder),
    )  # fmt: skip
    await start(dialer)
    assert not witness.exists()


@pytest.fixture
def homeless() -> Bundle:
    """A bundle whose last resort below /var/tmp is out of reach, so that only memory is left."""
    found = bundles.sources()
    name = "workers/agent/places.py"
    found[name] = found[name].replace(b"/var/tmp/", b"/proc/nothing/")
    return bundles.pack(found)


@pytest.mark.parametrize("home", ["/proc/nothing/here", "relative", "/dev/null"])
async def test_without_a_usable_home_the_agent_runs_from_memory(
    home: str, homeless: Bundle
) -> None:
    dialer = ShellDialer(home=home)
    hello, steps = await start(dialer, homeless)
    assert sends(steps)
    assert hello.state_directory is None
    assert any("from memory" in warning for warning in hello.warnings)


async def test_a_state_directory_that_is_a_symlink_is_refused(
    home: Path, homeless: Bundle, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    state_of(home).parent.mkdir(parents=True)
    state_of(home).symlink_to(elsewhere)
    hello, _ = await start(ShellDialer(home=home), homeless)
    assert hello.state_directory is None
    assert list(elsewhere.iterdir()) == []


@pytest.fixture
async def small_disk(tmp_path: Path) -> AsyncIterator[Path]:
    if os.geteuid():
        pytest.skip("mounting needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.root
async def test_a_full_disk_means_memory(small_disk: Path) -> None:
    hello, _ = await start(ShellDialer(home=small_disk))
    assert any("cannot be stored" in warning for warning in hello.warnings)
    assert not [name for name in stored(small_disk) if name.stat().st_size]


@pytest.mark.root
async def test_a_home_without_execution_is_enough(small_disk: Path) -> None:
    argv = ["mount", "-o", "remount,noexec,size=4m", str(small_disk)]
    assert subprocess.run(argv, check=False).returncode == 0
    hello, _ = await start(ShellDialer(home=small_disk))
    assert hello.state_directory == str(state_of(small_disk))


@pytest.mark.root
async def test_a_read_only_home_is_passed_over(small_disk: Path, homeless: Bundle) -> None:
    argv = ["mount", "-o", "remount,ro", str(small_disk)]
    assert subprocess.run(argv, check=False).returncode == 0
    hello, _ = await start(ShellDialer(home=small_disk), homeless)
    assert hello.state_directory is None
    assert any("Read-only" in warning for warning in hello.warnings)


async def test_old_bundles_go_when_nothing_runs_from_them(home: Path) -> None:
    await start(ShellDialer(home=home))
    (old,) = stored(home)
    os.utime(old, (0, 0))
    other = bundles.pack({**bundles.sources(), "workers/newer.py": b"# another version\n"})
    await start(ShellDialer(home=home), other)
    assert [file.name for file in stored(home)] == [f"agent-{other.digest}.pyz"]


async def test_a_bundle_that_is_run_from_stays(home: Path) -> None:
    first = bundles.build()
    other = bundles.pack({**bundles.sources(), "workers/newer.py": b"# another version\n"})
    channel = await ShellDialer(home=home).dial(bootstrap.command(first), _ignore)
    try:
        started = await bootstrap.start_agent(channel, first, _ignore, THEN)
        await greeting.receive(channel, started.rest, b"")
        (old,) = stored(home)
        os.utime(old, (0, 0))
        await start(ShellDialer(home=home), other)
        assert old in stored(home)
    finally:
        await channel.close()


async def test_a_payload_that_was_tampered_with_is_refused(home: Path) -> None:
    real = bundles.build()
    forged = Bundle(real.data[:-1] + b"!", real.digest, real.boot)
    found = await problem(ShellDialer(home=home), forged)
    assert found.kind is ProblemKind.AGENT_FAILED
    assert "SHA-256" in found.text
    assert stored(home) == []


async def test_an_agent_that_cannot_be_imported_says_why(home: Path) -> None:
    found = bundles.sources()
    found["workers/agent/main.py"] = b"import no_such_module\n"
    failure = await problem(ShellDialer(home=home), bundles.pack(found))
    assert failure.kind is ProblemKind.AGENT_FAILED
    assert "no_such_module" in failure.text


def _ignore(*_: Any) -> None:
    pass
