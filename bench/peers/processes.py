"""Both sides of a comparison as processes of their own, so that neither sees the other's threads or memory.

PyTorch runs with OpenBLAS's OpenMP build where that is installed: its own threads and OpenMP's would fight for the cores.
"""
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

from defaults import DEFAULTS
from openblas import OPENMP_BUILD, core_type

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"


@dataclasses.dataclass
class Run:
    rates: dict  # {(what, batch): value} of lines "what batch value"
    megabytes: float  # most that the process held
    ready: float  # seconds from its start to its line "# ready"
    others: float  # cores that all other processes used meanwhile


@functools.cache
def torch_environment():
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    if core := core_type():
        environment["OPENBLAS_CORETYPE"] = core
    if os.path.isdir(OPENMP_BUILD):
        environment["LD_LIBRARY_PATH"] = OPENMP_BUILD + ":" + environment.get("LD_LIBRARY_PATH", "")
    return environment


def cpu_seconds():
    """Of all processes, idle time left out."""
    fields = list(map(int, open("/proc/stat").readline().split()[1:9]))
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def run(command, environment=None):
    start, rates, ready, used = time.perf_counter(), {}, 0, cpu_seconds()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    for line in process.stdout:
        if line.startswith("# ready"):
            ready = ready or time.perf_counter() - start
        elif not line.startswith("#"):
            what, batch, value = line.split()
            rates[what, int(batch)] = float(value)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    seconds = time.perf_counter() - start
    others = max(0, cpu_seconds() - used - usage.ru_utime - usage.ru_stime) / seconds
    return Run(rates, usage.ru_maxrss / 1024, ready, others)


def seconds_of(command, environment=None):
    """From its start to its end."""
    before = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - before


def cpu():
    lines = open("/proc/cpuinfo").read().splitlines()
    return next((l.split(":")[1].strip() for l in lines if l.startswith("model name")), platform.machine())


@contextlib.contextmanager
def busy_core():
    """Another process that computes all the time on the last core."""
    core = max(os.sched_getaffinity(0))
    spin = f"import os\nos.sched_setaffinity(0, [{core}])\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", spin])
    time.sleep(0.5)  # until it spins
    try:
        yield
    finally:
        process.kill()
        process.wait()


class Steps:
    """Training steps and scoring of one model: ours and PyTorch's."""

    def __init__(self, step_bench, config_path, width, seconds, least):
        config = dict(DEFAULTS) if config_path == "-" else json.load(open(config_path))
        self.width = config["width"] = width or config["width"]
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as f:
            json.dump(config, f)
        self.config, self.step_bench = f.name, step_bench
        self.effort = ["--seconds", str(seconds), "--least", str(least)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.unlink(self.config)

    def _common(self, batch, what, threads):
        return ["--batch", str(batch), "--what", what, "--threads", str(threads), *self.effort]

    def ours(self, batch, what, threads):
        return run([self.step_bench, "--width", str(self.width), *self._common(batch, what, threads)])

    def torch(self, batch, what, threads, channels_last=False):
        layout = ["--channels-last"] if channels_last else []
        command = [PYTHON, str(HERE / "torch_step.py"), self.config, *self._common(batch, what, threads), *layout]
        return run(command, torch_environment())

    def torch_layouts(self, batch, what, threads):
        """PyTorch in its two memory layouts, contiguous and channels last."""
        return [self.torch(batch, what, threads, channels_last) for channels_last in (False, True)]
