"""A wall clock that a test moves: a library that stands between a program and the system's. The clock of the boot goes
along only where a test says so, as when time passes; the others stay."""
import os
import subprocess

from harness import scratch

SHIFT = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *out)
{
    const char *shift = getenv("WALL_CLOCK_SHIFT_S"), *boot = getenv("BOOT_CLOCK_SHIFT_S");
    long failed = syscall(SYS_clock_gettime, clock, out);
    if (!failed && clock == CLOCK_BOOTTIME && boot) out->tv_sec += atoll(boot);
    if (!failed && clock == CLOCK_REALTIME && shift) out->tv_sec += atoll(shift);
    return (int)failed;
}
"""


def build_shift():
    folder = scratch()
    library = os.path.join(folder, "shift.so")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-x", "c", "-", "-o", library],
                   input=SHIFT.encode("ascii"), check=True)
    return library


class Days:
    """The days that have passed for all commands and servers that are started from now on."""

    def __init__(self):
        os.environ.update(LD_PRELOAD=build_shift(), WALL_CLOCK_SHIFT_S="0")
        self.passed = 0

    def pass_by(self, days, world):
        """While the server is down, as it keeps the clock that it was started with."""
        self.passed += days
        world.server.stop()
        os.environ.update(WALL_CLOCK_SHIFT_S=str(int(self.passed * 24 * 3600)))
        world.server.start()
