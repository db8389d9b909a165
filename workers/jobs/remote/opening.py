"""From a job's document to a remote that can be spoken to."""

import os
from collections.abc import Callable
from pathlib import Path

from workers.harness import Misconfigured
from workers.jobs.document import Document
from workers.jobs.remote.address import parse
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.tool import find_rclone
from workers.jobs.remote.trust import check_trust


def open_remote(document: Document, check: Callable[[], None] = lambda: None) -> Caller:
    """Of ``options.remote`` and ``options.rclone_config``. Raises Misconfigured, Interrupted; nothing is sent."""
    fields = document.fields()
    address = parse(fields.text("remote"), fields.at("remote"))
    config = fields.text_or_none("rclone_config")
    if config is not None:
        config = str(Path(config).expanduser())
        if not Path(config).is_file():
            raise Misconfigured(f"{fields.at('rclone_config')}: {config} is no file")
    limits = document.limits
    caller = Caller(
        find_rclone(),
        address,
        config,
        limits.bandwidth_kib_s,
        max(1, 2 * limits.concurrency),
        check,
    )
    check_trust(caller, os.environ)
    return caller
