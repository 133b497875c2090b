"""Times the PyTorch twin's training step and scoring; prints what bench/step_bench prints.

usage: torch_step.py CONFIG.json [--threads N] [--batch 1,16,64,256] [--what train,score] [--seconds S] [--least N]
                     [--channels-last]
"""
import argparse
import json
import statistics
import time

import torch
from twin import Twin


def median_seconds(call):
    times, start = [], time.perf_counter()
    while len(times) < options.least or time.perf_counter() - start < options.seconds:
        before = time.perf_counter()
        call()
        times.append(time.perf_counter() - before)
    return statistics.median(times)


parser = argparse.ArgumentParser()
parser.add_argument("config")
parser.add_argument("--threads", type=int, default=torch.get_num_threads())
parser.add_argument("--batch", default="1,16,64,256")
parser.add_argument("--what", default="train,score")
parser.add_argument("--seconds", type=float, default=1)
parser.add_argument("--least", type=int, default=10)
parser.add_argument("--channels-last", action="store_true")
options = parser.parse_args()
torch.set_num_threads(options.threads)
config = json.load(open(options.config))
print(f"# torch {torch.__version__}, {options.threads} threads, width {config['width']}")
for batch in map(int, options.batch.split(",")):
    twin = Twin({**config, "batch_size": batch}, 10**6)
    images = torch.rand(batch, 1, 32, 32) * 2 - 1
    if options.channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
        for network in twin.networks().values():
            network.to(memory_format=torch.channels_last)
        twin.make_optimizers()
    print("# ready", flush=True)
    if "train" in options.what:
        turns = [1, 0] if batch == 1 else [batch // 2]

        def steps():
            for normal in turns:
                twin.step(images, normal)

        start = time.perf_counter()
        for i in range(3):
            if i == 0 or time.perf_counter() - start < options.seconds:
                steps()
        print(f"train {batch} {len(turns) * batch / median_seconds(steps):.1f}", flush=True)
    if "score" in options.what:
        with torch.no_grad():  # as Snag scores: averaged weights in place
            twin.G.load_state_dict(twin.average, strict=False)

            def score():
                y = twin.G(images, fixed=True)
                return (images - y).abs().mean((1, 2, 3)).tolist()

            score()
            print(f"score {batch} {batch / median_seconds(score):.1f}", flush=True)
