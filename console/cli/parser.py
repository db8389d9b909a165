"""The command line's grammar: options for all, and a sub-parser for each command."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from console.cli.jobs import grammar as job_grammar
from console.cli.workers import grammar
from console.errors import UsageError

_FORCE = "even where not all of its data are known to be elsewhere"
SIGNALS = ("TERM", "KILL", "INT", "STOP", "CONT")
DESCRIPTION = (
    "Watch a fleet of machines over SSH and run workers there. "
    "Without a command the console opens on the hosts named."
)


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of ending the program; takes options before, between and behind names."""

    _mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        takes_names = any(not action.option_strings for action in self._actions)
        if self._mixing or self._subparsers is not None or not takes_names:
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage().rstrip()}")


def build() -> Parser:
    """The parser of `quarterdeck COMMAND …`."""
    common = _common()
    parser = Parser("quarterdeck", description=DESCRIPTION, parents=[common], allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    _looks(commands, common)
    _nodes(commands, common)
    _processes(commands, common)

    def add(to: Any, name: str, text: str, json: bool = True) -> Parser:
        return _add(to, common, name, text, json)

    grammar.workers(commands, add)
    grammar.command(commands, add)
    _copies(commands, add)
    job_grammar.jobs(commands, add)
    job_grammar.mode(commands, add)
    _program(commands, common)
    return parser


def build_screen() -> Parser:
    """The parser of `quarterdeck [HOST…]`."""
    parser = Parser(
        "quarterdeck",
        usage="quarterdeck [options] [HOST ...]\n       quarterdeck COMMAND [options] ...",
        description=DESCRIPTION,
        epilog=_commands_text(),
        parents=[_common()],
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("hosts", nargs="*", metavar="HOST", help="[user@]host[:port]")
    return parser


def _commands_text() -> str:
    """The commands for the help of the screen, which takes hosts where they would stand."""
    commands = next(a for a in build()._actions if isinstance(a, argparse._SubParsersAction))
    listed = [f"  {each.dest:<12}{each.help}" for each in commands._choices_actions]
    return "\n".join(["commands (quarterdeck COMMAND --help says more):", *listed])


def _common() -> Parser:
    # SUPPRESS: a sub-parser must not put its defaults over what was said before the command.
    common = Parser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    add = common.add_argument
    add(
        "--config",
        metavar="PATH",
        help="a settings file or folder instead of ~/.config/quarterdeck",
    )
    add(
        "--host", metavar="NAME", action="append", help="a host, whatever its name; may be repeated"
    )
    add("--demo", action="store_true", help="a scripted fleet; no machine is touched")
    add("--read-only", action="store_true", help="disable every action")
    add("--ascii", action="store_true", help="no characters beyond ASCII in graphs and frames")
    add("--interval", metavar="SECONDS", help="between two readings of a node")
    add("--theme", metavar="NAME", help="of the screen")
    add("--filter", metavar="FILTER", help="only these nodes, as in 'tag:train gpu>90'")
    return common


def _add(commands: Any, common: Parser, name: str, text: str, json: bool = True) -> Parser:
    command: Parser = commands.add_parser(
        name, help=text, description=text, parents=[common], allow_abbrev=False
    )
    if json:
        command.add_argument(
            "--json", action="store_true", help="for scripts; the shape is versioned"
        )
    return command


def _looks(commands: Any, common: Parser) -> None:
    status = _add(commands, common, "status", "what every node does now")
    status.add_argument("hosts", nargs="*", metavar="NODE", help="only these")
    status.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    data = _add(
        commands,
        common,
        "data",
        "what each dataset holds on each node, and in all; `data safe NODE` says whether all of a node's is kept elsewhere",
    )
    data.add_argument("hosts", nargs="*", metavar="NODE", help="only these; or: safe NODE")
    diagnose = _add(
        commands, common, "diagnose", "what holds a node or the fleet back, and the next step"
    )
    diagnose.add_argument("hosts", nargs="*", metavar="NODE", help="only these")
    alerts = _add(commands, common, "alerts", "what is wrong, since when, and the key that helps")
    verbs = alerts.add_subparsers(dest="verb", metavar="ack")
    ack = _add(verbs, common, "ack", "mark alerts as seen")
    ack.add_argument("ids", nargs="+", metavar="ID", help="as `alerts --json` prints them")


def _nodes(commands: Any, common: Parser) -> None:
    nodes = _add(
        commands,
        common,
        "nodes",
        "the machines: list, add, remove, forget, check, trust, provision, uninstall",
        False,
    )
    verbs = nodes.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    _add(verbs, common, "list", "the nodes of the settings; none is dialled")
    add = _add(verbs, common, "add", "write a node to the settings")
    add.add_argument("node", metavar="HOST", help="[user@]host[:port], also its name unless --name")
    add.add_argument("--name")
    add.add_argument("--address")
    add.add_argument("--user")
    add.add_argument("--port", type=int)
    add.add_argument("--identity", metavar="FILE", help="the private key")
    add.add_argument("--jump", metavar="HOST")
    add.add_argument("--tag", action="append", default=[], help="may be repeated")
    add.add_argument("--root", default="", help="of relative dataset paths there")
    remove = _add(verbs, common, "remove", "take a node out of the settings")
    remove.add_argument("node", metavar="NODE")
    remove.add_argument("--force", action="store_true", help=_FORCE)
    forget = _add(verbs, common, "forget", "list a detached node no more; its workers live on")
    forget.add_argument("node", metavar="NODE")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    forget.add_argument("--force", action="store_true", help=_FORCE)
    check = _add(verbs, common, "check", "what is wrong with a node, in words")
    check.add_argument("hosts", nargs="*", metavar="NODE", help="all, if none is named")
    trust = _add(verbs, common, "trust", "trust the host key that a node shows")
    trust.add_argument("node", metavar="NODE")
    trust.add_argument("--fingerprint", metavar="SHA256:…", help="trust this one without asking")
    provision = _add(
        verbs, common, "provision", "install what our workers or jobs need, into an environment of its own"
    )  # fmt: skip
    provision.add_argument("node", metavar="NODE")
    provision.add_argument("--extras", choices=("workers", "data"), required=True)
    provision.add_argument("--dry-run", action="store_true", help="what would be installed")
    provision.add_argument("--timeout", metavar="SECONDS", help="stop it where it still runs then")
    uninstall = _add(verbs, common, "uninstall", "remove what we left on a node")
    uninstall.add_argument("node", metavar="NODE")
    uninstall.add_argument("--yes", action="store_true", help="do not ask")
    uninstall.add_argument("--force", action="store_true", help=_FORCE)


def _processes(commands: Any, common: Parser) -> None:
    ps = _add(
        commands, common, "ps", "the processes of a node; `ps signal NODE PID… SIGNAL` signals some"
    )
    ps.add_argument("words", nargs="+", metavar="NODE", help="or: signal NODE PID… SIGNAL")
    ps.add_argument("--yes", action="store_true", help="do not ask before a signal")


def _copies(commands: Any, add: Any) -> None:
    cp = add(commands, "cp", "copy files to or from a node; never deletes")
    cp.add_argument("paths", nargs="+", metavar="PATH", help="SRC… DST, one side NODE:path")
    cp.add_argument("--dry-run", action="store_true", help="print the exact command, copy nothing")


def _program(commands: Any, common: Parser) -> None:
    config = _add(commands, common, "config", "the settings: check, path, show", False)
    verbs = config.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    _add(verbs, common, "check", "whether the settings are right, and what is wrong on which line")
    _add(verbs, common, "path", "where the settings are read from")
    _add(verbs, common, "show", "every value that holds, and where it comes from")
    completion = _add(
        commands, common, "completion", "a script for the shell to complete our words", False
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    _add(commands, common, "version", "the version of this program")
