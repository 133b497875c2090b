"""Snag's training step and scoring beside the PyTorch twin's, in turn (A B A B ...), as a Markdown table.

usage: compare.py STEP_BENCH CONFIG.json|- [--rounds 5] [--threads N] [--batch 1,16,64,256] [--what train,score]
                  [--width W] [--seconds S] [--least N]
CONFIG.json is a run's; - takes the defaults of train_gan, at width 64. In each round PyTorch
has the better of its two memory layouts.
"""
import argparse
import os
import statistics
import time

from processes import Steps, cpu


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step_bench")
    parser.add_argument("config")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", default="1,16,64,256")
    parser.add_argument("--what", default="train,score")
    parser.add_argument("--width", type=int)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--least", type=int, default=10)
    return parser.parse_args()


def rounds(steps, batch, what, options):
    """Pairs of runs, ours and the better of PyTorch's."""
    def pair():
        ours, layouts = steps.ours(batch, what, options.threads), steps.torch_layouts(batch, what, options.threads)
        return ours, max(layouts, key=lambda run: run.rates[what, batch])

    return [pair() for _ in range(options.rounds)]


def median(pairs, side, value):
    return statistics.median(value(pair[side]) for pair in pairs)


def print_row(batch, what, pairs):
    def rate(run):
        return run.rates[what, batch]

    ratios = [rate(ours) / rate(theirs) for ours, theirs in pairs]
    memory = [median(pairs, side, lambda run: run.megabytes) for side in (0, 1)]
    print(f"| {batch} | {what} | {median(pairs, 0, rate):.0f} | {median(pairs, 1, rate):.0f} | {statistics.median(ratios):.2f}"
          f" ({min(ratios):.2f} to {max(ratios):.2f}) | {memory[0]:.0f}, {memory[1]:.0f} | {memory[0] / memory[1]:.2f} |",
          flush=True)


def main():
    options = parsed()
    with Steps(options.step_bench, options.config, options.width, options.seconds, options.least) as steps:
        print(f"{cpu()}, {options.threads} threads, width {steps.width}, {time.strftime('%Y-%m-%d')}; median of"
              f" {options.rounds} rounds in turn\n")
        print("| images a step | what | Snag, images/s | PyTorch, images/s | ratio (least to most) |"
              " peak memory, MB: Snag, PyTorch | ratio |")
        print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
        others = []
        for batch in map(int, options.batch.split(",")):
            for what in options.what.split(","):
                pairs = rounds(steps, batch, what, options)
                print_row(batch, what, pairs)
                others += [run.others for pair in pairs for run in pair]
        print(f"\nOther processes used {statistics.fmean(others):.2f} cores meanwhile, at most {max(others):.2f} in a run.")


if __name__ == "__main__":
    main()
