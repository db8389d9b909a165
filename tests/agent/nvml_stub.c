/* A stand-in for libnvidia-ml.so.1. It reads its answers at every call from the text file that
 * NVML_STUB_FILE names, so that a test can change them while pynvml's real code runs on it.
 *
 *     count 2                        GPUs
 *     0.temperature 61               a value of one GPU; without it the defaults below hold
 *     0.processes 4711:1073741824    compute processes, pid:bytes, separated by commas
 *     0.error 15                     every question about GPU 0 fails with this NVML error
 *     error nvmlInit_v2 9            one function fails
 *     hang nvmlDeviceGetTemperature  one function never returns
 *     crash nvmlDeviceGetTemperature one function ends the process
 *     xid 1:79                       an Xid event of GPU 1, once for each number that appears
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, TOO_SMALL = 7, TIMEOUT = 10 };

typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory2;
typedef struct { char legacy[16]; unsigned domain, bus, device, ids, subsystem; char id[32]; } Pci;
typedef struct { unsigned pid; unsigned long long used; unsigned gi, ci; } ProcessInfo;
typedef struct { void *device; unsigned long long type, data; unsigned gi, ci; } Event;

/* The rest of the line that begins with "key ", or 0. */
static int find(const char *key, char *value, size_t size) {
    const char *path = getenv("NVML_STUB_FILE");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[4096];
    size_t length = strlen(key);
    int found = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            snprintf(value, size, "%s", line + length + 1);
            value[strcspn(value, "\n")] = 0;
            found = 1;
        }
    }
    if (file) fclose(file);
    return found;
}

static unsigned long long number(const char *key, unsigned long long otherwise) {
    char value[4096];
    return find(key, value, sizeof value) ? strtoull(value, NULL, 0) : otherwise;
}

static int index_of(void *device) { return (int)(uintptr_t)device - 1; }

static unsigned long long of(void *device, const char *name, unsigned long long otherwise) {
    char key[128];
    snprintf(key, sizeof key, "%d.%s", index_of(device), name);
    return number(key, otherwise);
}

/* What has to happen before a function answers: hang, crash, or an error to return. */
static int enter(const char *function, void *device) {
    char key[128], value[64];
    if (find("hang", value, sizeof value) && strcmp(value, function) == 0)
        for (;;) pause();
    if (find("crash", value, sizeof value) && strcmp(value, function) == 0) raise(SIGSEGV);
    snprintf(key, sizeof key, "error %s", function);
    int error = (int)number(key, OK);
    if (!error && device) error = (int)of(device, "error", OK);
    return error;
}

#define ENTER(device) do { int e = enter(__func__, device); if (e) return e; } while (0)
#define VALUE(name, otherwise) \
    do { \
        ENTER(device); \
        unsigned long long v = of(device, name, otherwise); \
        if (v == NONE) return NOT_SUPPORTED; \
        *out = v; \
        return OK; \
    } while (0)
#define NONE (~0ULL)
#define GIB (1ULL << 30)

int nvmlInit_v2(void) { ENTER(NULL); return OK; }
int nvmlInitWithFlags(unsigned flags) { (void)flags; return nvmlInit_v2(); }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) { (void)code; return "stand-in error"; }

int nvmlSystemGetDriverVersion(char *out, unsigned size) {
    ENTER(NULL);
    snprintf(out, size, "575.57.08");
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *out) {
    ENTER(NULL);
    *out = (unsigned)number("count", 1);
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **out) {
    if (index >= number("count", 1)) return INVALID;
    void *device = (void *)(uintptr_t)(index + 1);
    ENTER(device);
    *out = device;
    return OK;
}

int nvmlDeviceGetUUID(void *device, char *out, unsigned size) {
    ENTER(device);
    snprintf(out, size, "GPU-%08d-0000-0000-0000-000000000000", index_of(device));
    return OK;
}

int nvmlDeviceGetName(void *device, char *out, unsigned size) {
    char key[64], value[96];
    ENTER(device);
    snprintf(key, sizeof key, "%d.name", index_of(device));
    snprintf(out, size, "%s", find(key, value, sizeof value) ? value : "NVIDIA Stand-in 80GB");
    return OK;
}

int nvmlDeviceGetPciInfo_v3(void *device, Pci *out) {
    ENTER(device);
    memset(out, 0, sizeof *out);
    out->bus = 0x3b + (unsigned)index_of(device);
    snprintf(out->legacy, sizeof out->legacy, "0000:%02X:00.0", out->bus);
    snprintf(out->id, sizeof out->id, "00000000:%02X:00.0", out->bus);
    return OK;
}

int nvmlDeviceGetUtilizationRates(void *device, Utilization *out) {
    ENTER(device);
    out->gpu = (unsigned)of(device, "utilization", 50);
    out->memory = 10;
    return OK;
}

int nvmlDeviceGetMemoryInfo(void *device, Memory *out) {
    ENTER(device);
    out->total = of(device, "memory_total", 80 * GIB);
    out->used = of(device, "memory_used", 8 * GIB) + GIB;
    out->free = out->total - out->used;
    return OK;
}

int nvmlDeviceGetMemoryInfo_v2(void *device, Memory2 *out) {
    ENTER(device);
    out->total = of(device, "memory_total", 80 * GIB);
    out->used = of(device, "memory_used", 8 * GIB);
    out->reserved = GIB;
    out->free = out->total - out->used - out->reserved;
    return OK;
}

int nvmlDeviceGetTemperature(void *device, unsigned sensor, unsigned *out) {
    (void)sensor;
    VALUE("temperature", 40);
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *out) { VALUE("power_mw", 250500); }
int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *out) { VALUE("power_limit_mw", 700000); }
int nvmlDeviceGetFanSpeed(void *device, unsigned *out) { VALUE("fan", NONE); }

int nvmlDeviceGetClockInfo(void *device, unsigned kind, unsigned *out) {
    if (kind == 1) VALUE("sm_clock", 1980);
    VALUE("memory_clock", 2619);
}

int nvmlDeviceGetCurrentClocksEventReasons(void *device, unsigned long long *out) {
    VALUE("throttle", 1);
}

int nvmlDeviceGetTotalEccErrors(void *device, unsigned kind, unsigned counter, unsigned long long *out) {
    (void)counter;
    if (kind == 0) VALUE("ecc_corrected", 0);
    VALUE("ecc_uncorrected", 0);
}

static int processes(void *device, const char *name, unsigned *count, ProcessInfo *out) {
    char key[64], value[4096];
    unsigned given = *count, found = 0;
    snprintf(key, sizeof key, "%d.%s", index_of(device), name);
    if (!find(key, value, sizeof value)) { *count = 0; return OK; }
    for (char *item = strtok(value, ","); item; item = strtok(NULL, ",")) {
        if (out && found < given) {
            char *colon = strchr(item, ':');
            memset(&out[found], 0, sizeof out[found]);
            out[found].pid = (unsigned)strtoul(item, NULL, 10);
            out[found].used = colon ? strtoull(colon + 1, NULL, 10) : ~0ULL;
        }
        found++;
    }
    *count = found;
    return out && found <= given ? OK : found ? TOO_SMALL : OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, ProcessInfo *out) {
    ENTER(device);
    return processes(device, "processes", count, out);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, unsigned *count, ProcessInfo *out) {
    ENTER(device);
    return processes(device, "graphics", count, out);
}

int nvmlEventSetCreate(void **out) {
    ENTER(NULL);
    *out = (void *)1;
    return OK;
}

int nvmlDeviceRegisterEvents(void *device, unsigned long long kinds, void *set) {
    (void)kinds, (void)set;
    ENTER(device);
    return OK;
}

int nvmlEventSetWait_v2(void *set, Event *out, unsigned timeout_ms) {
    static char told[64];
    char value[64];
    (void)set, (void)timeout_ms;
    ENTER(NULL);
    if (!find("xid", value, sizeof value) || strcmp(value, told) == 0) return TIMEOUT;
    snprintf(told, sizeof told, "%s", value);
    memset(out, 0, sizeof *out);
    out->device = (void *)(uintptr_t)(strtoul(value, NULL, 10) + 1);
    out->type = 8;
    out->data = strtoull(strchr(value, ':') ? strchr(value, ':') + 1 : "0", NULL, 10);
    return OK;
}

int nvmlEventSetFree(void *set) { (void)set; return OK; }
