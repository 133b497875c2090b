"""How Snag and the PyTorch twin behave on a machine: threads, a core that another process takes, start-up, memory; as
Markdown tables. Measurements of a pair take turns.

usage: behaviour.py STEP_BENCH CONFIG.json|- [--rounds 3] [--threads N] [--batch 16,128] [--width W]
CONFIG.json is a run's; - takes the defaults of train_gan, at width 64.
"""
import argparse
import concurrent.futures
import os
import statistics

from processes import PYTHON, Steps, busy_core, seconds_of, torch_environment

STARTS = 5


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step_bench")
    parser.add_argument("config")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", default="16,128")
    parser.add_argument("--width", type=int)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--least", type=int, default=5)
    return parser.parse_args()


def in_turn(rounds, *measurements):
    """The median of each measurement, over rounds in which they take turns."""
    values = [[measure() for measure in measurements] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*values)]


def milliseconds(run, batch):
    return 1000 * batch / run.rates["train", batch]


def at_once(count, measure):
    """The mean of as many of these measurements, running at the same time."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return statistics.mean(f.result() for f in [pool.submit(measure) for _ in range(count)])


def print_threads(steps, batches, options):
    threads = options.threads
    print(f"What the machine allows: {threads} processes of one thread each, that share nothing but the machine, at once.\n")
    print(f"| images a step | Snag, ms, 1 thread | {threads} threads | ratio | {threads} processes, each | a step over 1 thread |\n"
          "| --- | --- | --- | --- | --- | --- |")
    for batch in batches:

        def alone():
            return milliseconds(steps.ours(batch, "train", 1), batch)

        one, all_threads, processes = in_turn(
            options.rounds, alone,
            lambda: milliseconds(steps.ours(batch, "train", threads), batch),
            lambda: at_once(threads, alone))
        print(f"| {batch} | {one:.1f} | {all_threads:.1f} | {all_threads / one:.2f} | {processes:.1f} |"
              f" {processes / threads / one:.2f} |", flush=True)


def print_busy(steps, batch, options):
    print("| | ms a step | while another process computes on one core | loss |\n| --- | --- | --- | --- |")
    for name, rounds, measure in ("Snag", options.rounds, steps.ours), ("PyTorch", 1, steps.torch):

        def alone():
            return milliseconds(measure(batch, "train", options.threads), batch)

        def disturbed():
            with busy_core():
                return alone()

        free, taken = in_turn(rounds, alone, disturbed)
        print(f"| {name}, {batch} images | {free:.1f} | {taken:.1f} | {taken / free:.2f} |", flush=True)


def print_start(steps, options):
    print("| | starts in, s | ready to train after, s | peak memory of small steps, MB |\n| --- | --- | --- | --- |")
    sides = {"Snag (`step_bench --help`)": (steps.ours, [options.step_bench, "--help"], None),
             "PyTorch (`import torch`)": (steps.torch, [PYTHON, "-c", "import torch"], torch_environment())}
    for name, (measure, start, environment) in sides.items():
        runs = [measure(2, "train", options.threads) for _ in range(options.rounds)]
        starts = [seconds_of(start, environment) for _ in range(STARTS)]
        print(f"| {name} | {statistics.median(starts):.3f} | {statistics.median(r.ready for r in runs):.3f} |"
              f" {statistics.median(r.megabytes for r in runs):.0f} |", flush=True)


def main():
    options = parsed()
    batches = [int(b) for b in options.batch.split(",")]
    with Steps(options.step_bench, options.config, options.width, options.seconds, options.least) as steps:
        print_threads(steps, batches, options)
        print()
        print_busy(steps, batches[0], options)
        print()
        print_start(steps, options)


if __name__ == "__main__":
    main()
