"""The passes of the decoder's transposed convolutions, Snag's and PyTorch's in turn (A B A B ...), as a Markdown table.

usage: transposed.py CPU_KERNEL_BENCH [--rounds 3] [--threads N] [--batch 1,64] [--width 64]
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import tempfile

from processes import HERE, PYTHON, run, torch_environment

KERNELS = {"forward": "ConvUp", "data_gradient": "ConvDown", "weight_gradient": "ConvWeight"}


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cpu_kernel_bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", default="1,64")
    parser.add_argument("--width", type=int, default=64)
    return parser.parse_args()


def snag_name(torch_name):
    """The kernel and size in Snag's table: channels of the bigger map first."""
    kind, layer = torch_name.split("/")
    come, go, side = layer.split("-")
    return f"{KERNELS[kind]} {go}-{come} on {2 * int(side)}x{2 * int(side)}"


def ours(names, batch, options):
    """Microseconds of each."""
    chosen = [argument for name in names for argument in ("--only", name)]
    with tempfile.NamedTemporaryFile("r", suffix=".json") as f:
        subprocess.run([options.cpu_kernel_bench, "--batch", str(batch), "--width", str(options.width), "--threads",
                        str(options.threads), "--no-peers", "--no-portable", "--patience", "5", "--json", f.name, *chosen],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rows = json.load(open(f.name))["rows"]
    return {f"{row['kernel']} {row['at']}": row["snag"]["microseconds"] for row in rows}


def theirs(batch, options):
    command = [PYTHON, str(HERE / "torch_transposed.py"), str(options.width), str(batch), "--threads", str(options.threads)]
    return {name: us for (name, _), us in run(command, torch_environment()).rates.items()}


def main():
    options = parsed()
    summary = []
    print("| images | pass | channels, from | Snag, us | PyTorch, us | ratio |\n| --- | --- | --- | --- | --- | --- |")
    for batch in map(int, options.batch.split(",")):
        rounds = []
        for _ in range(options.rounds):
            peer = theirs(batch, options)
            rounds.append((ours(list(map(snag_name, peer)), batch, options), peer))
        ratios = {}
        for name in rounds[0][1]:
            a = statistics.median(own[snag_name(name)] for own, _ in rounds)
            b = statistics.median(peer[name] for _, peer in rounds)
            ratios[name] = b / a
            kind, layer = name.split("/")
            come, go, side = layer.split("-")
            print(f"| {batch} | {kind.replace('_', ' ')} | {come}-{go}, {side}x{side} | {a:.1f} | {b:.1f} | {b / a:.2f} |",
                  flush=True)
        mean = math.exp(statistics.fmean(map(math.log, ratios.values())))
        worst = min(ratios, key=ratios.get)
        summary.append(f"- transposed convolution passes against PyTorch, batch {batch}: geometric mean {mean:.2f},"
                       f" worst {ratios[worst]:.2f} ({worst.replace('_', ' ').replace('/', ' ')})")
    print()
    print("\n".join(summary))


if __name__ == "__main__":
    main()
