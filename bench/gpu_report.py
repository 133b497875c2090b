#!/usr/bin/env python3
"""Writes a page of results from what scripts/gpu_check.sh left.

usage: bench/gpu_report.py gpu_check.json gpu_kernels.json [--commit HASH] [--date DAY] [--note TEXT] > bench/results/gpu-NAME.md

Ratios are the peer's time over Snag's: 2 is twice as fast.
"""
import argparse
import collections
import datetime
import json
import math
import re
import subprocess

PRECISIONS = ["fp32", "tf32", "bf16"]
CONVOLUTIONS = {"ConvDown": "forward", "ConvUp": "transposed, data gradient", "ConvWeight": "weight gradient"}


def steps_of(part):
    """{(precision, way, batch): images a second} of what step_bench or torch_gpu.py printed."""
    rates, precision, way = {}, None, None
    for line in part.get("lines", []):
        words = [w.strip() for w in line.lstrip("# ").split(",")]
        named = [w for w in words if w in PRECISIONS]
        if line.startswith("#") and named:
            precision = named[0]
            way = next((w for w in words if w in ("captured", "eager", "graph", "compile")), None)
        elif rate := re.match(r"train (\d+) ([\d.]+)", line):
            rates[precision, way, int(rate[1])] = float(rate[2])
    return rates


def launches_of(part):
    """{batch: "N kernels, M in a row"} of the last precision."""
    found = (re.match(r"# batch (\d+): .*, (\d+ kernels, \d+ in a row)", line) for line in part.get("lines", []))
    return {int(m[1]): m[2] for m in found if m}


def table(heading, rows):
    print("| " + " | ".join(heading) + " |")
    print("| " + " | ".join("---" for _ in heading) + " |")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def ratio(peer, own):
    return f"{own / peer:.2f}" if peer and own else ""


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def print_checks(parts):
    print("## Checks\n")
    table(["part", "result", "seconds", "its last line"], [(p["name"], p["result"], p["seconds"], f"`{p['note'].strip()}`") for p in parts])


def print_steps(parts):
    own, torch = steps_of(parts["steps"]), {}
    for name in ("torch", "torch eager", "torch.compile"):
        torch.update(steps_of(parts.get(name, {})))
    launches = launches_of(parts["steps"])
    print("## Training steps of dual_gan, base width 64\n\nMicroseconds a step; half of the images are normal, half anomalous.\n")
    rows = []
    for batch in sorted({key[2] for key in own}):
        for precision in PRECISIONS:
            us = {k: 1e6 * batch / v for k, v in {
                "captured": own.get((precision, "captured", batch)), "eager": own.get((precision, "eager", batch)),
                "graph": torch.get((precision, "graph", batch)), "compile": torch.get((precision, "compile", batch)),
                "torch": torch.get((precision, "eager", batch))}.items() if v}
            rows.append([batch, precision] + [f"{us[k]:.0f}" if k in us else "" for k in ("captured", "eager", "graph", "compile", "torch")]
                        + [ratio(us.get("captured"), us.get("graph")), launches.get(batch, "")])
    table(["images", "precision", "Snag, captured", "Snag, eager", "PyTorch, one CUDA graph", "torch.compile", "PyTorch, eager",
           "graph over captured", "a captured step"], rows)


def print_convolutions(rows):
    print("## Convolutions beside cuDNN\n\nThe best algorithm that cuDNN finds, same precision, FP32 in memory, in turn; the passes of all layers.\n")
    groups = collections.defaultdict(list)
    for r in rows:
        if r["kernel"] in CONVOLUTIONS and r["peer_microseconds"]:
            kind = "one-channel layers" if re.match(r"1-|\d+-1 ", r["at"]) else CONVOLUTIONS[r["kernel"]]
            what = (r["peer_microseconds"] / r["microseconds"], f"{r['kernel']} {r['at']}")
            groups[r["precision"], r["batch"], kind].append(what)
            groups[r["precision"], r["batch"], "all"].append(what)
    kinds = ["all", "one-channel layers", *CONVOLUTIONS.values()]
    lines = []
    for precision, batch in sorted({key[:2] for key in groups}):
        of = {kind: groups[precision, batch, kind] for kind in kinds}
        worst = min(of["all"])
        lines.append([precision, batch] + [f"{geometric_mean([x for x, _ in of[kind]]):.2f}" if of[kind] else "" for kind in kinds]
                     + [f"{worst[0]:.2f} ({worst[1]})"])
    table(["precision", "images", *("geometric mean, " + k for k in kinds), "worst"], lines)


def print_kernels(rows):
    print("## Every kernel\n\nPer cent of the bound: of the slower of traffic at the measured copy and arithmetic at the measured product.\n")
    table(["kernel", "at", "images", "", "us", "GB/s", "TFLOP/s", "% of bound", "portable, us", "peer", "its us", "ratio"],
          [(r["kernel"], r["at"], r["batch"], r["precision"], f"{r['microseconds']:.2f}", f"{r['gigabytes_per_second']:.0f}",
            f"{r['tflops']:.2f}" if r["tflops"] else "", f"{r['percent_of_bound']:.0f}",
            f"{r['portable_microseconds']:.1f}" if r["portable_microseconds"] else "", r["peer"] if r["peer_microseconds"] else "",
            f"{r['peer_microseconds']:.2f}" if r["peer_microseconds"] else "", ratio(r["microseconds"], r["peer_microseconds"])) for r in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check")
    parser.add_argument("kernels", nargs="?", help="without it, only checks and steps")
    parser.add_argument("--commit")
    parser.add_argument("--note", help="what the reader should know of this run")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    options = parser.parse_args()
    check = json.load(open(options.check))
    kernels = json.load(open(options.kernels)) if options.kernels else None
    commit = options.commit or subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    parts = {p["name"]: p for p in check["parts"]}
    of_kernels = (" and its kernels", " build/gpu_kernels.json", f"; {kernels['cudnn']}") if kernels else ("", "", "")
    print(f"# dual_gan{of_kernels[0]} on a GPU: {check['gpu'].split(',')[0]}\n\n    scripts/gpu_check.sh\n"
          f"    bench/gpu_report.py build/gpu_check.json{of_kernels[1]}\n")
    print(f"{options.date}, commit {commit}, {check['gpu']}{of_kernels[2]}.")
    if kernels:
        ceilings = kernels["ceilings"]
        print(f"Measured ceilings: copy {ceilings['copy_bytes_per_second'] / 1e9:.0f} GB/s, counting bytes read and written; products of 4096^3 "
              + ", ".join(f"{p} {ceilings['tflops'][p]:.0f}" for p in PRECISIONS)
              + f" TFLOP/s; an empty kernel in a graph {ceilings['empty_kernel_microseconds']:.2f} us.")
    print()
    if options.note:
        print(options.note + "\n")
    print_checks(check["parts"])
    print_steps(parts)
    if kernels:
        print_convolutions(kernels["rows"])
        print_kernels(kernels["rows"])


if __name__ == "__main__":
    main()
