"""The GPU child: answers each request with one report, and may hang without harm to anyone.

Standard input carries one byte for each request, standard output one framed ``GpuReport`` for each
answer. It ends when its input does, so it never outlives the agent by itself.
"""

import os
import signal

from workers.protocol import GpuReport, encode_message


def main() -> None:
    """Serves until the input ends. Ends after one answer where there is nothing to ask."""
    # A terminal's Ctrl-C reaches the whole process group; the agent decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever the agent holds open (its channel above all) must not be kept open by a hung child.
    os.closerange(4, 1024)
    try:
        _serve()
    except (BrokenPipeError, KeyboardInterrupt):
        pass


def _serve() -> None:
    from workers.agent.gpu_driver import hardware
    from workers.agent.nvml import DriverFault, NoDriver, NvmlReader

    if not os.read(0, 1):
        return
    try:
        reader = NvmlReader()
    except NoDriver:
        fault = "the NVIDIA driver is not loaded" if hardware() else None
        _answer(GpuReport(fault=fault))
        return
    except DriverFault as error:
        _answer(GpuReport(fault=str(error)))
        return
    _answer(reader.read())
    while os.read(0, 64):
        _answer(reader.read())


def _answer(report: GpuReport) -> None:
    rest = encode_message(report)
    while rest:
        rest = rest[os.write(1, rest) :]
