"""What only the C library can be asked for: to inherit orphans, and what a zombie has used."""

import struct
from typing import Any, NamedTuple, Optional

_SET_CHILD_SUBREAPER = 36
_WAITID = {"x86_64": 247, "aarch64": 95, "riscv64": 95, "ppc64le": 272, "s390x": 281}
_P_PID, _WNOWAIT_WEXITED_WNOHANG = 1, 0x01000000 | 4 | 1
_library: Any = None


class Usage(NamedTuple):
    """What a process and the children it waited for have used."""

    cpu_s: float
    max_rss_bytes: int


def library() -> Any:
    """The C library. Loaded once, before processes fork off that share its pages."""
    global _library
    if _library is None:
        import ctypes

        _library = ctypes.CDLL(None, use_errno=True)
    return _library


def become_subreaper() -> bool:
    """From now on orphaned descendants become children of this process. Not inherited by fork."""
    try:
        return bool(library().prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def usage_of_zombie(pid: int, architecture: str) -> Optional[Usage]:
    """What a dead child has used, without reaping it; None where this cannot be asked.

    ``waitid`` of the C library and of Python leave the kernel's fifth argument out, hence the bare call.
    """
    number = _WAITID.get(architecture)
    if number is None:
        return None
    try:
        import ctypes

        information, used = ctypes.create_string_buffer(128), ctypes.create_string_buffer(144)
        call = library().syscall
        call.restype = ctypes.c_long
        done = call(number, _P_PID, pid, information, _WNOWAIT_WEXITED_WNOHANG, used)
    except (ImportError, OSError, AttributeError):
        return None
    if done != 0 or not any(information.raw[:4]):
        return None
    user_s, user_us, system_s, system_us, max_rss_kib = struct.unpack_from("@5l", used.raw)
    return Usage(user_s + system_s + (user_us + system_us) / 1e6, max_rss_kib * 1024)
