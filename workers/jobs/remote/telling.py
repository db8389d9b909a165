"""rclone's progress as a part of a job's status."""

from collections.abc import Callable

from workers.jobs.parts import Part
from workers.jobs.remote.calling import Progress


def teller(part: Part, message: str, counts_files: bool = True) -> Callable[[Progress], None]:
    """``message`` says what is under way. ``counts_files``: the part counts files, so rclone's are its own."""

    def tell(progress: Progress) -> None:
        part.say(
            bytes=progress.bytes,
            rate_bytes_s=progress.rate_bytes_s,
            eta_s=progress.eta_s,
            **({"done": progress.files} if counts_files else {"bytes_total": progress.bytes_total}),
        )
        if part.message != message:
            part.say(message=message)

    return tell
