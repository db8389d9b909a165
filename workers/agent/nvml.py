"""GPU readings through NVIDIA's own binding. Runs in the GPU child only: any call here may hang."""

from typing import Any, Dict, List, Optional, Tuple

from workers.agent.xid import KernelLog, PciPlace, pci_place
from workers.protocol import Gpu, GpuProcess, GpuReport

# Bits of nvmlDeviceGetCurrentClocksEventReasons; "idle" (bit 0) throttles nothing.
_THROTTLE_REASONS = (
    (0x002, "application clocks"),
    (0x004, "power cap"),
    (0x008, "hardware slowdown"),
    (0x010, "sync boost"),
    (0x020, "thermal (software)"),
    (0x040, "thermal (hardware)"),
    (0x080, "power brake"),
    (0x100, "display clocks"),
    (0x200, "board limit"),
    (0x400, "reliability limit"),
)
_MEMORY_INFO_2 = 0x02000028
_XID_EVENT = 0x8


class NoDriver(Exception):
    """There is no driver to ask: neither a library nor a loaded kernel module."""


class DriverFault(Exception):
    """The driver is there and refuses; the text says why."""


class _Lost(Exception):
    """This GPU answers nothing more."""


class NvmlReader:
    """Reads all GPUs. Raises NoDriver or DriverFault when it is made."""

    def __init__(self, kernel_log: str = "/dev/kmsg") -> None:
        self._nvml = _pynvml()
        self._codes = _Codes(self._nvml)
        try:
            self._nvml.nvmlInit()
            self._driver: Optional[str] = self._try("nvmlSystemGetDriverVersion")
            self._count: int = self._nvml.nvmlDeviceGetCount()
        except self._nvml.NVMLError as error:
            if error.value in self._codes.absent:
                raise NoDriver(str(error)) from None
            raise DriverFault(self._codes.words(error)) from None
        self._cards: Dict[int, _Card] = {}
        self._events: Any = None
        self._kernel_log = KernelLog(kernel_log)

    def read(self) -> GpuReport:
        """All GPUs now; a GPU that fails carries its own fault."""
        self._collect_events()
        return GpuReport(tuple(self._gpu(index) for index in range(self._count)), self._driver)

    def _gpu(self, index: int) -> Gpu:
        card = self._cards.get(index)
        try:
            if card is None:
                card = self._cards[index] = self._open(index)
            return self._readings(card)
        except _Lost:
            return self._lost(index, card)
        except self._nvml.NVMLError as error:
            if error.value in self._codes.lost:
                return self._lost(index, card)
            known = card.identity if card else Gpu(index)
            return known._replace(fault=self._codes.words(error), xid=self._xid(card))

    def _lost(self, index: int, card: "Optional[_Card]") -> Gpu:
        known = card.identity if card else Gpu(index)
        return known._replace(fault="lost: it fell off the bus", lost=True, xid=self._xid(card))

    def _open(self, index: int) -> "_Card":
        nvml = self._nvml
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        uuid = self._try("nvmlDeviceGetUUID", handle) or ""
        name = self._try("nvmlDeviceGetName", handle) or ""
        place = None
        pci = self._try("nvmlDeviceGetPciInfo", handle)
        if pci is not None:
            place = pci_place(_word(pci.busId))
        card = _Card(handle, Gpu(index, _word(uuid), _word(name)), place)
        self._register(card)
        return card

    def _readings(self, card: "_Card") -> Gpu:
        handle = card.handle
        memory = self._memory(handle)
        use = self._try("nvmlDeviceGetUtilizationRates", handle)
        power = self._try("nvmlDeviceGetPowerUsage", handle)
        limit = self._try("nvmlDeviceGetEnforcedPowerLimit", handle)
        reasons = self._try("nvmlDeviceGetCurrentClocksEventReasons", handle)
        if reasons is None:  # the name of drivers before 535
            reasons = self._try("nvmlDeviceGetCurrentClocksThrottleReasons", handle)
        return card.identity._replace(
            utilization_percent=None if use is None else float(use.gpu),
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_total_bytes=None if memory is None else int(memory.total),
            temperature_c=self._try("nvmlDeviceGetTemperature", handle, 0),
            power_w=None if power is None else power / 1000.0,
            power_limit_w=None if limit is None else limit / 1000.0,
            sm_clock_mhz=self._try("nvmlDeviceGetClockInfo", handle, 1),
            memory_clock_mhz=self._try("nvmlDeviceGetClockInfo", handle, 2),
            fan_percent=self._try("nvmlDeviceGetFanSpeed", handle),
            throttle_reasons=throttle_reasons(reasons),
            # Since the last driver load: the lifetime counters never return to zero.
            ecc_corrected=self._try("nvmlDeviceGetTotalEccErrors", handle, 0, 0),
            ecc_uncorrected=self._try("nvmlDeviceGetTotalEccErrors", handle, 1, 0),
            xid=self._xid(card),
            processes=self._processes(handle),
        )

    def _memory(self, handle: Any) -> Any:
        """Without what the driver keeps for itself, as nvidia-smi shows it; older drivers with."""
        found = self._try("nvmlDeviceGetMemoryInfo", handle, _MEMORY_INFO_2)
        return found if found is not None else self._try("nvmlDeviceGetMemoryInfo", handle)

    def _processes(self, handle: Any) -> Tuple[GpuProcess, ...]:
        held: Dict[int, Optional[int]] = {}
        for kind in ("Compute", "Graphics"):
            for process in self._try(f"nvmlDeviceGet{kind}RunningProcesses", handle) or ():
                memory = process.usedGpuMemory
                # A process that computes and draws is listed twice with the same sum.
                held[process.pid] = max(held.get(process.pid) or 0, memory or 0) or memory
        return tuple([GpuProcess(pid, memory) for pid, memory in sorted(held.items())])

    # ------------------------------------------------------------ Xid

    def _register(self, card: "_Card") -> None:
        try:
            if self._events is None:
                self._events = self._nvml.nvmlEventSetCreate()
            self._nvml.nvmlDeviceRegisterEvents(card.handle, _XID_EVENT, self._events)
        except self._nvml.NVMLError:
            pass  # not for this card or not for this user: the kernel's log may still tell

    def _collect_events(self) -> None:
        for _ in range(64 if self._events is not None else 0):
            try:
                event = self._nvml.nvmlEventSetWait_v2(self._events, 0)
            except self._nvml.NVMLError:
                return
            if event.eventType & _XID_EVENT:
                self._note_xid(event)

    def _note_xid(self, event: Any) -> None:
        for card in self._cards.values():
            if _address(card.handle) == _address(event.device):
                card.xid = int(event.eventData)

    def _xid(self, card: "Optional[_Card]") -> Optional[int]:
        if card is None or card.xid is not None or card.place is None:
            return card.xid if card else None
        return self._kernel_log.last(card.place)

    def _try(self, function: str, *arguments: Any) -> Any:
        """What the function says; None where this card, driver or user has no such thing."""
        try:
            return getattr(self._nvml, function)(*arguments)
        except self._nvml.NVMLError as error:
            if error.value in self._codes.lost:
                raise _Lost from None
            if error.value in self._codes.faults:
                raise
            return None
        except AttributeError:  # a binding older than this function
            return None


class _Card:
    """One GPU that was there once."""

    def __init__(self, handle: Any, identity: Gpu, place: Optional[PciPlace]) -> None:
        self.handle = handle
        self.identity = identity
        self.place = place
        self.xid: Optional[int] = None


class _Codes:
    """NVML's error numbers by what they mean to a person."""

    def __init__(self, nvml: Any) -> None:
        self.absent = (nvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvml.NVML_ERROR_DRIVER_NOT_LOADED)
        self.lost = (nvml.NVML_ERROR_GPU_IS_LOST, getattr(nvml, "NVML_ERROR_GPU_NOT_FOUND", 28))
        self.faults = (
            nvml.NVML_ERROR_UNINITIALIZED,
            nvml.NVML_ERROR_TIMEOUT,
            nvml.NVML_ERROR_IRQ_ISSUE,
            nvml.NVML_ERROR_RESET_REQUIRED,
            nvml.NVML_ERROR_OPERATING_SYSTEM,
            nvml.NVML_ERROR_UNKNOWN,
        )
        self._words = {
            nvml.NVML_ERROR_RESET_REQUIRED: "needs a reset",
            nvml.NVML_ERROR_NO_PERMISSION: "this user may not ask the GPU driver",
            nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
                "the loaded driver and its library are of different versions: reboot the node"
            ),
        }

    def words(self, error: Any) -> str:
        """The error for a person."""
        return self._words.get(error.value) or f"NVML: {error}"


def throttle_reasons(bits: Optional[int]) -> Tuple[str, ...]:
    """NVML's bits in words."""
    found: List[str] = [words for bit, words in _THROTTLE_REASONS if (bits or 0) & bit]
    return tuple(found)


def _pynvml() -> Any:
    try:
        import pynvml
    except ImportError:
        # The agent runs without site-packages; outside of a bundle the binding lies there.
        import site

        site.main()
        try:
            import pynvml
        except ImportError:
            raise DriverFault("the agent has no pynvml module to ask the GPU driver with") from None
    return pynvml


def _word(text: Any) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _address(handle: Any) -> Optional[int]:
    import ctypes

    return ctypes.cast(handle, ctypes.c_void_p).value
