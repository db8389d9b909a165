"""`quarterdeck completion bash|zsh|fish`: a static script made from the grammar."""

from __future__ import annotations

import argparse
from argparse import Namespace

from console.cli import exits
from console.cli.parser import build


def run(options: Namespace) -> int:
    """Prints the script; `source <(quarterdeck completion bash)` uses it."""
    tree = grammar()
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell](tree)
    print(script)
    return exits.DONE


def grammar() -> dict[str, list[str]]:
    """The words that may follow each path of commands: "" for the program, "nodes", "nodes add"."""
    found: dict[str, list[str]] = {}
    _walk(build(), "", found)
    return found


def _walk(parser: argparse.ArgumentParser, path: str, found: dict[str, list[str]]) -> None:
    words: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                words.append(name)
                _walk(child, f"{path} {name}".strip(), found)
        elif action.option_strings:
            words += [option for option in action.option_strings if option.startswith("--")]
        elif action.choices:
            words += [str(choice) for choice in action.choices]
    found[path] = words


def _cases(tree: dict[str, list[str]]) -> str:
    lines = [f'    "{path}") words="{" ".join(words)}" ;;' for path, words in sorted(tree.items())]
    return "\n".join(lines)


def _verbs(tree: dict[str, list[str]]) -> str:
    return " ".join(sorted({word for path in tree for word in path.split()}))


def _bash(tree: dict[str, list[str]]) -> str:
    return f"""_quarterdeck() {{
  local word path="" words=""
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case " {_verbs(tree)} " in *" $word "*) path="${{path:+$path }}$word" ;; esac
  done
  case "$path" in
{_cases(tree)}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}")
}}
complete -o default -F _quarterdeck quarterdeck qd"""


def _zsh(tree: dict[str, list[str]]) -> str:
    return f"""#compdef quarterdeck qd
_quarterdeck() {{
  local word where="" words=""
  for word in "${{(@)${{(z)LBUFFER}}[2,-1]}}"; do
    case " {_verbs(tree)} " in *" $word "*) where="${{where:+$where }}$word" ;; esac
  done
  case "$where" in
{_cases(tree)}
  esac
  compadd -- ${{=words}}
}}
compdef _quarterdeck quarterdeck qd"""


def _fish(tree: dict[str, list[str]]) -> str:
    lines = []
    for path, words in sorted(tree.items()):
        seen = path.split()
        tests = [f"__fish_seen_subcommand_from {word}" for word in seen] or [
            "__fish_use_subcommand"
        ]
        condition = "; and ".join(tests)
        plain = " ".join(word for word in words if not word.startswith("--"))
        if plain:
            lines.append(f"complete -c quarterdeck -n '{condition}' -a '{plain}'")
        lines += [
            f"complete -c quarterdeck -n '{condition}' -l {word[2:]}"
            for word in words
            if word.startswith("--")
        ]
    return "\n".join([*lines, "complete -c qd -w quarterdeck"])
