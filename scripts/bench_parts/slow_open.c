/* For benchmarks: every open of a file below a folder takes longer, as on a network mount.
   QD_SLOW_PREFIX is the folder, QD_SLOW_US how much longer. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int slowed(int fd) {
    const char *prefix = getenv("QD_SLOW_PREFIX"), *us = getenv("QD_SLOW_US");
    char link[64], path[4096];
    if (fd < 0 || !prefix || !us) return fd;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n > 0 && !strncmp(path, prefix, strlen(prefix))) {
        long wait = atol(us);
        struct timespec pause = {wait / 1000000, wait % 1000000 * 1000};
        nanosleep(&pause, NULL);
    }
    return fd;
}

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...) {                              \
        va_list rest; va_start(rest, flags);                                  \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; va_end(rest); \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);        \
        return slowed(real(path, flags, mode));                               \
    }
#define OPENAT(name)                                                          \
    int name(int at, const char *path, int flags, ...) {                      \
        va_list rest; va_start(rest, flags);                                  \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; va_end(rest); \
        int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, #name);   \
        return slowed(real(at, path, flags, mode));                           \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
