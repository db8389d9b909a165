"""Whether there is an NVIDIA driver to ask, found out without loading anything."""

import os
from typing import List, Optional

from workers.machine import procfs

LIBRARY = "libnvidia-ml.so.1"
# Where container runtimes, WSL and NixOS put the library without telling the loader.
_FOLDERS = (
    "/usr/local/nvidia/lib64",
    "/usr/local/nvidia/lib",
    "/run/opengl-driver/lib",
    "/usr/lib/wsl/lib",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib",
    "/opt/nvidia/lib64",
)
_NVIDIA = "0x10de"


def library_folder() -> Optional[str]:
    """The folder of NVML's library, "" where the loader knows it by itself, None without one."""
    named = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    if any(folder and os.path.exists(os.path.join(folder, LIBRARY)) for folder in named):
        return ""
    if LIBRARY.encode() in (procfs.read("/etc/ld.so.cache") or b""):
        return ""
    for folder in _FOLDERS:
        if os.path.exists(os.path.join(folder, LIBRARY)):
            return folder
    return None


def hardware(devices: str = "/sys/bus/pci/devices") -> bool:
    """Whether an NVIDIA display or compute device is on the PCI bus."""
    try:
        names: List[str] = os.listdir(devices)
    except OSError:
        return False
    for name in names:
        folder = os.path.join(devices, name)
        # 0x03: display controllers, among them the 3D controllers without a screen.
        kind = procfs.text(folder + "/class") or ""
        if kind.startswith("0x03") and procfs.text(folder + "/vendor") == _NVIDIA:
            return True
    return False
