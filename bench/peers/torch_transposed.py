"""Times the passes of the decoder's transposed convolutions in PyTorch; prints "PASS/LAYER BATCH MICROSECONDS".

usage: torch_transposed.py WIDTH BATCH [--threads N] [--repeats N]
Of the two memory layouts the faster counts.
"""
import argparse
import statistics
import time

import torch
from quiet import Patience

PATIENCE = Patience(5)
STRIDE, PAD = [2, 2], [1, 1]


def layers(width):
    """Channels in and out, and the side of the smaller map; with skips."""
    return [(8 * width, 4 * width, 2), (8 * width, 2 * width, 4), (4 * width, width, 8), (2 * width, 1, 16)]


def passes(batch, come, go, side, layout):
    x = torch.randn(batch, come, side, side).contiguous(memory_format=layout)
    dy = torch.randn(batch, go, 2 * side, 2 * side).contiguous(memory_format=layout)
    w = torch.randn(come, go, 4, 4).contiguous(memory_format=layout)

    def gradient(*mask):
        return torch.ops.aten.convolution_backward(
            dy, x, w, None, STRIDE, PAD, [1, 1], True, [0, 0], 1, [*mask, False])

    return {"forward": lambda: torch.nn.functional.conv_transpose2d(x, w, None, STRIDE, PAD),
            "data_gradient": lambda: gradient(True, False),
            "weight_gradient": lambda: gradient(False, True)}


def microseconds(call, repeats, least=1e-4):
    """The median of repeats, each of them so many calls that they take `least` seconds."""
    def seconds(calls):
        before = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - before) / calls

    call()
    calls = max(1, int(least / seconds(1)))
    return 1e6 * statistics.median(PATIENCE.undisturbed(lambda: [seconds(calls) for _ in range(repeats)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("width", type=int)
    parser.add_argument("batch", type=int)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with torch.no_grad():
        for come, go, side in layers(options.width):
            both = [passes(options.batch, come, go, side, layout)
                    for layout in (torch.contiguous_format, torch.channels_last)]
            for name in both[0]:
                us = min(microseconds(way[name], options.repeats) for way in both)
                print(f"{name}/{come}-{go}-{side} {options.batch} {us:.2f}", flush=True)


if __name__ == "__main__":
    main()
