"""The kernels that OpenBLAS should use where it does not know the processor, for OPENBLAS_CORETYPE; else nothing.

usage: openblas.py
An OpenBLAS that is older than the processor takes Prescott's kernels, of 128 bits: no peer at its best.
"""
import ctypes
import os
import pathlib

OPENMP_BUILD = "/usr/lib/x86_64-linux-gnu/openblas-openmp"  # as Debian installs it
UNKNOWN = "Prescott"
BY_FLAG = {"avx512vl": "SkylakeX", "avx2": "Haswell"}  # the best first


def chosen():
    """OpenBLAS's own choice, or None without OpenBLAS."""
    inherited = os.environ.pop("OPENBLAS_CORETYPE", None)
    try:
        for library in (f"{OPENMP_BUILD}/libopenblas.so.0", "libopenblas.so.0"):
            try:
                name = ctypes.CDLL(library).openblas_get_corename
            except OSError:
                continue
            name.restype = ctypes.c_char_p
            return name().decode()
    finally:
        if inherited is not None:
            os.environ["OPENBLAS_CORETYPE"] = inherited
    return None


def core_type():
    """What to set OPENBLAS_CORETYPE to, or None to leave the choice to OpenBLAS."""
    if chosen() != UNKNOWN:
        return None
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return next((core for flag, core in BY_FLAG.items() if flag in flags), None)


if __name__ == "__main__":
    print(core_type() or "")
