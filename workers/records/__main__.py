"""``quarterdeck-worker records verify|count|export|recover PATH``: looks after games on disk.

Exit codes: 0 done, 3 no games there, 4 what was asked for cannot be, 5 corrupt or unreadable data, 6 no disk.
"""

import argparse
import errno
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.contract import EXIT_CONFIGURATION, EXIT_CORRUPT_DATA, EXIT_NO_DISK
from workers.harness.errors import CorruptData, Misconfigured, NoDataYet, WorkerError
from workers.records.duplicates import Duplicates
from workers.records.export import export
from workers.records.foreign import read_any
from workers.records.names import parse_shard
from workers.records.recover import recover
from workers.records.shards import count, list_shards
from workers.records.verify import data_files, is_journal, verify_file, without_copies

_PAIRS = 20  # that are shown


def main(argv: Sequence[str] | None = None) -> int:
    """Its exit code."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:
        if not end.code:
            return 0
        return EXIT_CONFIGURATION
    try:
        return int(arguments.run(arguments))
    except WorkerError as error:
        return _failed(str(error), error.code)
    except BrokenPipeError:  # `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return _failed(f"{error.filename}: {error.strerror}", EXIT_NO_DISK if full else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quarterdeck-worker records", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="verify|count|export|recover")
    for run, text in (
        (_verify, "read everything with every check: hashes, checksums, counts, ids, duplicates"),
        (_count, "games by configuration, from the names of shards and the lines of journals"),
        (_export, "write games to a .parquet or .npz file"),
        (_recover, "make shards of what dead workers left"),
    ):
        command = commands.add_parser(run.__name__.removeprefix("_"), help=text, description=text)
        command.add_argument("path", type=Path, metavar="PATH")
        command.add_argument("--json", action="store_true", help="one JSON object")
        command.set_defaults(run=run)
        if run is _export:
            command.add_argument("--output", "-o", type=Path, required=True, metavar="FILE")
    return parser


def _verify(arguments: argparse.Namespace) -> int:
    files, copies = without_copies(data_files(arguments.path))
    duplicates = Duplicates()
    checked = [verify_file(path, duplicates) for path in files]
    again = [verify_file(path, Duplicates()) for path in copies]
    bad = [found for found in (*checked, *again) if found.faults]
    records = sum(found.records for found in checked)
    torn = sum(found.torn for found in checked)
    pairs = duplicates.pairs()
    text = [f"{found.path}: {fault}" for found in bad for fault in found.faults]
    text += [
        f"{pair.one} and {pair.other}: {pair.games:,} games are the same ({pair.rate:.1%})"
        for pair in pairs[:_PAIRS]
    ]
    text.append(f"{records:,} games in {len(checked):,} files, {len(bad)} files with faults, {len(copies)} copies, torn {torn}")  # fmt: skip
    body = {
        "records": records,
        "files": len(checked),
        "copies": len(copies),
        "torn": torn,
        "faults": {str(found.path): found.faults for found in bad},
        "duplicates": [pair._asdict() for pair in pairs],
    }
    _say(arguments, body, text)
    if bad:
        return EXIT_CORRUPT_DATA
    if not records:
        raise NoDataYet(f"{arguments.path}: no games")
    return 0


def _count(arguments: argparse.Namespace) -> int:
    path: Path = arguments.path
    files = [
        file for file in data_files(path) if not parse_shard(file.name) and not is_journal(file)
    ]
    found = count(path, sizes=True)
    sealed: dict[str, int] = {}
    for shard in list_shards(path):
        sealed[shard.key] = sealed.get(shard.key, 0) + shard.records
    others, faults = _count_others(files)
    unreadable = [*found.unreadable, *faults]
    total = found.records + sum(others.values())
    text = [f"{key}: {records:,} sealed" for key, records in sorted(sealed.items())]
    text += [f"{name}: {records:,}" for name, records in others.items()]
    text += [f"unreadable: {words}" for words in unreadable]
    text.append(f"{total:,} games: {found.shards:,} shards, {found.journals} journals, {len(others)} other files")  # fmt: skip
    body = {**found._asdict(), "records": total, "unreadable": unreadable}
    _say(arguments, {**body, "sealed_by_key": sealed, "others": others}, text)
    return EXIT_CORRUPT_DATA if unreadable else 0


def _count_others(files: list[Path]) -> tuple[dict[str, int], list[str]]:
    """Games of each file of another form, and what cannot be read."""
    found: dict[str, int] = {}
    faults = []
    for file in files:
        try:
            found[str(file)] = sum(1 for _ in read_any(file))
        except CorruptData as error:
            faults.append(str(error))
        except OSError as error:
            faults.append(f"{file}: {error.strerror}")
    return found, faults


def _export(arguments: argparse.Namespace) -> int:
    files, _ = without_copies(data_files(arguments.path))
    written = export([path for path in files if not is_journal(path)], arguments.output)
    _say(arguments, {"records": written, "output": str(arguments.output)}, [f"{written:,} games: {arguments.output}"])  # fmt: skip
    return 0


def _recover(arguments: argparse.Namespace) -> int:
    if not arguments.path.is_dir():
        raise Misconfigured(f"{arguments.path}: no folder")
    found = recover(arguments.path)
    text = [str(path) for path in found.shards]
    text += [f"refused: {words}" for words in found.refused]
    body = {**found._asdict(), "shards": [str(path) for path in found.shards]}
    _say(arguments, body, [*text, str(found)])
    return 0


def _say(arguments: argparse.Namespace, body: dict[str, Any], text: list[str]) -> None:
    print(json.dumps(body) if arguments.json else "\n".join(text), flush=True)


def _failed(text: str, code: int) -> int:
    print(f"error: {text}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
