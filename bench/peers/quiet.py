"""Whether other processes want a core: as bench/cpu/timing.cpp asks it."""
import os
import time


def own_running():
    """Threads of this process that run or spin."""
    running = 0
    for thread in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{thread}/stat") as f:
            running += f.read().rpartition(") ")[2].startswith("R")
    return running


def others_run():
    with open("/proc/loadavg") as f:
        return int(f.read().split()[3].partition("/")[0]) > own_running()


class Patience:
    """Repeats what was disturbed, for so many seconds in all."""

    def __init__(self, seconds):
        self.left = seconds

    def undisturbed(self, measure):
        while True:
            begin, disturbed = time.perf_counter(), others_run()
            value = measure()
            if not (disturbed or others_run()) or self.left <= 0:
                return value
            time.sleep(0.003)
            self.left -= time.perf_counter() - begin
