"""Snag's training step and scoring beside the PyTorch twin's, in turn (A B A B ...), as a Markdown table.

usage: compare.py STEP_BENCH CONFIG.json [--rounds 5] [--threads N] [--batch 1,16,64,256] [--width W]
PyTorch runs with OpenBLAS's OpenMP build where that is installed, and with the better of its two memory layouts.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
OPENBLAS = "/usr/lib/x86_64-linux-gnu/openblas-openmp"


def measured(command, env=None):
    """Lines "what batch value" of a command as a dict, and its peak memory in MB."""
    with tempfile.TemporaryFile("w+") as out:
        pid = subprocess.Popen(command, stdout=out, env=env).pid
        _, status, usage = os.wait4(pid, 0)
        if status:
            sys.exit(f"{command} failed")
        out.seek(0)
        rows = [line.split() for line in out if not line.startswith("#")]
    return {(what, int(batch)): float(value) for what, batch, value in rows}, usage.ru_maxrss / 1024


parser = argparse.ArgumentParser()
parser.add_argument("step_bench")
parser.add_argument("config")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--batch", default="1,16,64,256")
parser.add_argument("--width", type=int)
parser.add_argument("--seconds", default="1")
options = parser.parse_args()

config = json.load(open(options.config))
config["width"] = options.width or config["width"]
with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as f:
    json.dump(config, f)
environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
if os.path.isdir(OPENBLAS):
    environment["LD_LIBRARY_PATH"] = OPENBLAS + ":" + environment.get("LD_LIBRARY_PATH", "")

common = ["--threads", str(options.threads), "--seconds", options.seconds]
torch = ["/usr/bin/python3", str(HERE / "torch_step.py"), f.name, *common]
cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
print(f"{cpu}, {options.threads} threads, width {config['width']}, {time.strftime('%Y-%m-%d')}; median of {options.rounds} rounds in turn")
print()
print("| images a step | what | Snag, images/s | PyTorch, images/s | ratio (least to most) | peak memory, MB: Snag, PyTorch |")
print("| --- | --- | --- | --- | --- | --- |")
for batch in options.batch.split(","):
    ours, theirs, memory = [], [], []
    for _ in range(options.rounds):
        a, own = measured([options.step_bench, "--width", str(config["width"]), "--batch", batch, *common])
        layouts = [measured([*torch, "--batch", batch, *flag], environment) for flag in ([], ["--channels-last"])]
        b = {key: max(layout[0][key] for layout in layouts) for key in a}
        ours.append(a), theirs.append(b), memory.append((own, min(layout[1] for layout in layouts)))
    for key in ours[0]:
        x, y = [a[key] for a in ours], [b[key] for b in theirs]
        ratios = [p / q for p, q in zip(x, y)]
        print(f"| {batch} | {key[0]} | {statistics.median(x):.0f} | {statistics.median(y):.0f} | {statistics.median(ratios):.2f}"
              f" ({min(ratios):.2f} to {max(ratios):.2f}) | {statistics.median(m[0] for m in memory):.0f},"
              f" {statistics.median(m[1] for m in memory):.0f} |", flush=True)
os.unlink(f.name)
