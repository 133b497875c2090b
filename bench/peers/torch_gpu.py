"""Times the PyTorch twin's training step on a CUDA GPU, each way in which people would run it.

usage: torch_gpu.py CONFIG.json|- [--batch 2,16,64,256] [--seconds S] [--precision fp32,tf32,bf16]
                    [--modes eager,compile,graph] [--width W]
CONFIG.json is a run's; - takes the defaults of train_gan.
  eager    kernels launched by Python
  compile  the networks through torch.compile(mode="reduce-overhead")
  graph    the whole step, updates included, in one hand-captured torch.cuda.CUDAGraph
All: channels last, cudnn.benchmark, fused Adam, the batch on the GPU. Losses are first compared with those of eager fp32.
Prints "# LABEL" and then "train BATCH IMAGES_PER_SECOND". Exits with 77 where there is no PyTorch or no CUDA device.
"""
import argparse
import contextlib
import json
import statistics
import sys
import time

try:
    import torch
except ImportError:
    print("torch_gpu.py: PyTorch is not installed: skipped")
    sys.exit(77)
from defaults import DEFAULTS
from twin import Twin

# Of the losses after 5 steps, relative to eager fp32's: operands of 24, 11 and 8 bits, and steps that amplify.
TOLERANCE = {"fp32": 1e-2, "tf32": 5e-2, "bf16": 2e-1}
STEPS_COMPARED = 5


class GpuTwin(Twin):
    """The twin on a device, with an optimizer that a graph can hold: rates live in tensors."""

    def __init__(self, config, device):
        torch.manual_seed(0)
        self.device = None
        super().__init__(config, 10**6)
        for network in self.networks().values():
            network.to(device=device, memory_format=torch.channels_last)
        self.device = device
        self.make_optimizers()

    def make_optimizers(self):
        super().make_optimizers()
        if self.device is None:  # the networks have not moved yet
            return
        c, graphs = self.config, self.device.type == "cuda"
        self.rate_of = {name: torch.tensor(float(self.rates[name]), device=self.device) for name in self.networks()}
        for name, network in self.networks().items():
            options = {"lr": self.rate_of[name], "fused": True, "capturable": True} if graphs else {"lr": self.rates[name]}
            self.optimizers[name] = torch.optim.AdamW(
                network.parameters(), betas=(c["beta1"], c["beta2"]), weight_decay=c["weight_decay"], **options)

    def set_rates(self):
        """Outside a captured step: what changes from step to step."""
        for name, rate in self.rate_of.items():
            rate.fill_(self.rate(name))

    def update(self, name, loss):
        parameters = list(self.networks()[name].parameters())
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters)):
            p.grad = g
        self.optimizers[name].step()


def set_precision(precision):
    torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.allow_tf32 = precision != "fp32"


def arithmetic(precision, device):
    """Autocast for bf16; without its cache, which a graph must not hold."""
    if precision != "bf16":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False)


class Eager:
    def __init__(self, config, batch, precision, device):
        self.twin, self.normal = GpuTwin(config, device), batch // 2
        self.precision, self.device = precision, device
        generator = torch.Generator().manual_seed(1)
        images = torch.rand(batch, 1, 32, 32, generator=generator) * 2 - 1
        self.images = images.to(device).contiguous(memory_format=torch.channels_last)
        self.steps = 0

    def raw_step(self):
        with arithmetic(self.precision, self.device):
            return self.twin.step(self.images, self.normal)

    def step(self):
        self.twin.set_rates()
        return self.raw_step()


class Compiled(Eager):
    def __init__(self, *args):
        super().__init__(*args)
        for network in self.twin.networks().values():
            network.forward = torch.compile(network.forward, mode="reduce-overhead", dynamic=False)
        self.twin.G.maps = torch.compile(self.twin.G.maps, mode="reduce-overhead", dynamic=False)

    def step(self):
        torch.compiler.cudagraph_mark_step_begin()
        return super().step()


class Graphed(Eager):
    """Its first 3 steps warm up and are training steps too; the decay of the average is that of the capture."""

    WARM_UP = 3

    def step(self):
        self.twin.set_rates()
        self.steps += 1
        if self.steps <= self.WARM_UP:
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                losses = self.raw_step()
            torch.cuda.current_stream().wait_stream(stream)
            return losses
        if self.steps == self.WARM_UP + 1:
            done = self.twin.done
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.losses = self.raw_step()
            self.twin.done = done  # a capture computes nothing
        self.graph.replay()
        self.twin.done += 1
        return self.losses


MODES = {"eager": Eager, "compile": Compiled, "graph": Graphed}


def losses_after(runner, steps):
    for _ in range(steps):
        losses = runner.step()
    return {name: float(value) for name, value in losses.items()}


def largest_distance(losses, expected):
    return max(abs(losses[k] - expected[k]) / (1e-3 + abs(expected[k])) for k in expected)


def seconds_of(runner, steps):
    torch.cuda.synchronize()
    before = time.perf_counter()
    for _ in range(steps):
        runner.step()
    torch.cuda.synchronize()
    return (time.perf_counter() - before) / steps


def median_step(runner, seconds):
    """Median of measurements of about 50 ms each: one wait at the end of many steps."""
    steps = 1
    while seconds_of(runner, steps) * steps < 0.05:
        steps *= 2
    times, start = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - start < seconds:
        times.append(seconds_of(runner, steps))
    return statistics.median(times)


def bench(mode, precision, batch, config, device, expected, seconds):
    """Compares and times one way at one batch; returns whether it could be run and agreed."""
    set_precision(precision)
    try:
        runner = MODES[mode](config, batch, precision, device)
        distance = largest_distance(losses_after(runner, STEPS_COMPARED), expected)
        if not distance <= TOLERANCE[precision]:
            print(f"# batch {batch}: losses differ by {distance:.1e} from eager fp32's: not timed", flush=True)
            return False
        rate = batch / median_step(runner, seconds)
    except Exception as e:  # a peer that fails is reported, and does not stop the others
        print(f"# batch {batch}: failed: {type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}", flush=True)
        return False
    print(f"# batch {batch}: {rate / batch:.1f} steps/s; losses within {distance:.1e} of eager fp32's")
    print(f"train {batch} {rate:.1f}", flush=True)
    return True


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--batch", default="2,16,64,256")
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--precision", default="fp32,tf32,bf16")
    parser.add_argument("--modes", default="eager,compile,graph")
    parser.add_argument("--width", type=int)
    options = parser.parse_args()
    for name, known in (("modes", MODES), ("precision", TOLERANCE)):
        unknown = set(getattr(options, name).split(",")) - set(known)
        if unknown:
            parser.error(f"--{name}: not one of {', '.join(known)}: {', '.join(sorted(unknown))}")
    return options


def main():
    options = parsed()
    if not torch.cuda.is_available():
        print("torch_gpu.py: PyTorch sees no CUDA device: skipped")
        return 77
    device = torch.device("cuda")
    torch.backends.cudnn.benchmark = True
    config = dict(DEFAULTS)
    if options.config != "-":
        config.update(json.load(open(options.config)))
    config["width"] = options.width or config["width"]
    batches = [int(b) for b in options.batch.split(",")]
    settings = {batch: {**config, "batch_size": batch} for batch in batches}
    set_precision("fp32")
    expected = {b: losses_after(Eager(settings[b], b, "fp32", device), STEPS_COMPARED) for b in batches}
    good = True
    for precision in options.precision.split(","):
        for mode in options.modes.split(","):
            if mode == "compile" and not hasattr(torch, "compile"):
                print("# torch.compile is not in this PyTorch: left out")
                continue
            print(f"# torch {torch.__version__}, {torch.cuda.get_device_name()}, {precision}, {mode}, width {config['width']}")
            for batch in batches:
                good &= bench(mode, precision, batch, settings[batch], device, expected[batch], options.seconds)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
