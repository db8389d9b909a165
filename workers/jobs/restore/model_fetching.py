"""A folder of models from the remote, as its last backup has it: pointers last."""

from pathlib import Path

from workers.harness import CorruptData
from workers.jobs.crew import Crew
from workers.jobs.errors import Refused
from workers.jobs.parts import PARTIAL, Part
from workers.jobs.plan import byte_text
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.models import MODELS, ModelFile, newest
from workers.jobs.remote.telling import teller
from workers.jobs.restore.fetching import STAGING, bring
from workers.jobs.restore.placing import missing, write_new


def fetch_models(caller: Caller, crew: Crew, folder: Path, name: str, part: Part) -> str:
    """What was done. Raises WorkerError, OSError."""
    manifest = newest(caller, name)
    if manifest is None:
        raise Refused(f"{caller.address.text}: has no finished backup of the models {name}")
    target = folder / MODELS / name
    whole = [file for file in manifest.files if file.body is None]
    part.say(total=len(manifest.files), done=0)
    size = _bring(caller, crew, folder, name, [file for file in whole if file.fixed], part)
    lost = []
    for file in whole:
        if not file.fixed:
            try:
                size += _bring(caller, crew, folder, name, [file], part)
            except CorruptData:
                lost.append(file.path)
    for file in sorted(manifest.files, key=lambda file: file.pointer):
        if file.body is not None and missing(target, [file.stored], crew.check):
            write_new(target / file.path, file.body)
    text = f"{len(manifest.files) - len(lost):,} files, {byte_text(size)} fetched, all verified"
    part.say(done=len(manifest.files))
    if lost:
        text += f"; not restored, because it was written over since: {', '.join(lost[:3])}"
        part.say(state=PARTIAL, message=text)
    return text


def _bring(
    caller: Caller, crew: Crew, folder: Path, name: str, files: list[ModelFile], part: Part
) -> int:
    parts = (MODELS, name)
    return bring(
        caller,
        tuple(file.stored for file in files),
        parts,
        folder.joinpath(*parts),
        folder / STAGING / "/".join(parts),
        crew.limits,
        crew.check,
        teller(part, "fetched", counts_files=False),
    )
