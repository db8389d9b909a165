"""Settings from their layers: defaults < the user's files < environment < command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from console.errors import SettingsError
from console.fleet.model import NodeSpec
from console.settings.faults import settings_error
from console.settings.fingerprint import Fingerprint, fingerprint
from console.settings.hosts import parse_hosts
from console.settings.layers import defaults, environment_layer, file_layer, flag_layer
from console.settings.model import Settings
from console.settings.places import places
from console.settings.tree import leaves, merge, own_first, plain


@dataclass(frozen=True)
class Sources:
    """Where settings are read from, kept to read them again."""

    path: Path  # a file or a folder of files
    required: bool  # named by a person: it must be there
    environ: Mapping[str, str] = field(repr=False)
    flags: Mapping[str, Any]
    hosts: tuple[str, ...]

    @property
    def nodes_file(self) -> Path:
        """The file that `nodes add` writes to."""
        return self.path if self.path.is_file() else self.path / "nodes.yaml"


@dataclass(frozen=True)
class Loaded:
    """The settings, where each value came from (`ui.theme` → `/…/settings.yaml:4`), and the files read."""

    settings: Settings
    origins: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    sources: Sources | None = None
    fingerprint: Fingerprint = ()  # of the files, just before they were read

    def specs(self) -> tuple[NodeSpec, ...]:
        """The nodes to show: those named on the command line, otherwise all that are configured.

        A host that the settings name is taken from there. Raises UsageError.
        """
        hosts = self.sources.hosts if self.sources else ()
        if not hosts:
            return self.settings.node_specs()
        configured = {s.name: s for s in self.settings.node_specs() if self.settings.nodes}
        typed = {s.name: self.settings.spec_of(s) for s in parse_hosts(hosts)}
        return tuple(configured.get(name, spec) for name, spec in typed.items())


def load(
    config: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    flags: Mapping[str, Any] | None = None,
    hosts: Sequence[str] = (),
) -> Loaded:
    """Reads all layers. `config` (or `QUARTERDECK_CONFIG`) replaces the user's folder.

    `flags` are dotted keys (`ui.theme`) to values, None for those not given; `hosts` as typed.
    Raises SettingsError with one line a fault.
    """
    named = config or (
        Path(environ["QUARTERDECK_CONFIG"]) if environ.get("QUARTERDECK_CONFIG") else None
    )
    path = named.expanduser().absolute() if named else places(environ).settings
    return load_from(
        Sources(path, named is not None, dict(environ), dict(flags or {}), tuple(hosts))
    )


def load_from(sources: Sources) -> Loaded:
    """Reads the same sources again. Raises SettingsError."""
    before = fingerprint(sources.path)
    layers = [defaults()]
    files: tuple[Path, ...] = ()
    if sources.required or os.path.lexists(sources.path):
        layer, files = file_layer(sources.path)
        layers.append(layer)
    layers += [environment_layer(sources.environ), flag_layer(sources.flags)]
    tree = own_first(reduce(merge, layers), layers[0])
    try:
        settings = Settings.model_validate(plain(tree))
    except ValidationError as error:
        raise settings_error(error, tree) from None
    except RecursionError:
        raise SettingsError(f"{sources.path}: nested too deep") from None
    origins = {key: str(place) for key, place in leaves(tree)}
    return Loaded(settings, origins, files, sources, before)
