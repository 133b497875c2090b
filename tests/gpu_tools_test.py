"""Benchmarks and checks for the GPU say in one line that there is none, and exit with 77.

usage: gpu_tools_test.py PROGRAM...     (step_bench, and kernel_bench where it is built)
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HIDDEN = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "NVIDIA_SMI": "/nonexistent/nvidia-smi"}
commands = [[str(ROOT / "scripts/gpu_check.sh")], [sys.executable, str(ROOT / "bench/peers/torch_gpu.py"), "-"]]
commands += [[program] + (["--device", "cuda"] if program.endswith("step_bench") else []) for program in sys.argv[1:]]
for command in commands:
    done = subprocess.run(command, env=HIDDEN, capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    assert done.returncode == 77, f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    assert len(lines) == 1 and lines[0].endswith(": skipped"), f"{command}: {done.stdout!r}"
help_text = subprocess.run([commands[0][0], "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
assert "Exit code: 0 no part failed" in help_text, help_text
assert subprocess.run([commands[0][0], "--limit", "soon"], capture_output=True, timeout=60).returncode == 2
print(f"{len(commands)} programs")
