"""Benchmarks and checks for the GPU say in one line that there is none, and exit with 77; their page of results.

usage: gpu_tools_test.py PROGRAM...     (step_bench, and kernel_bench where it is built)
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

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

# The page of results, from made-up figures.
lines = ["# cuda, A GPU, tf32, captured, width 64", "# batch 2: 1000.0 steps/s, 1000.0 us a step, 150 kernels, 100 in a row", "train 2 2000.0"]
peer = ["# torch 2, A GPU, tf32, graph, width 64", "# batch 2: 400.0 steps/s; losses within 1.0e-03 of eager fp32's", "train 2 800.0"]
row = {"kernel": "ConvUp", "at": "64-128 on 16x16", "batch": 16, "precision": "tf32", "microseconds": 2.0, "gigabytes_per_second": 100.0,
       "tflops": 1.5, "percent_of_bound": 12.0, "portable_microseconds": None, "peer": "cuDNN", "peer_microseconds": 3.0}
with tempfile.TemporaryDirectory() as folder:
    check, kernels = pathlib.Path(folder, "check.json"), pathlib.Path(folder, "kernels.json")
    parts = [{"name": "steps", "result": "PASS", "seconds": 9, "note": "", "lines": lines}, {"name": "torch", "result": "PASS", "seconds": 9, "note": "", "lines": peer}]
    check.write_text(json.dumps({"gpu": "A GPU", "parts": parts}))
    ceilings = {"copy_bytes_per_second": 1e12, "tflops": {"fp32": 1, "tf32": 2, "bf16": 3}, "empty_kernel_microseconds": 0.5}
    kernels.write_text(json.dumps({"device": "A GPU", "cudnn": "cuDNN 9", "ceilings": ceilings, "rows": [row]}))
    page = subprocess.run([sys.executable, str(ROOT / "bench/gpu_report.py"), check, kernels, "--commit", "abc"], capture_output=True, text=True, timeout=60, check=True).stdout
assert "| 2 | tf32 | 1000 |  | 2500 |  |  | 2.50 | 150 kernels, 100 in a row |" in page, page
assert "| tf32 | 16 | 1.50 |" in page and "| ConvUp | 64-128 on 16x16 | 16 | tf32 | 2.00 |" in page, page
print(f"{len(commands)} programs")
