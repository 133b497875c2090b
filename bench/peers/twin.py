"""The two-discriminator GAN of models/gan.cpp in PyTorch: same networks, losses, optimisers and order of updates.

Tests hold Snag's training to its numbers (tests/oracle/trajectory.py); benchmarks time it (bench/peers/torch_step.py).
Settings are those of a run's config.json.
"""
import json
import math
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def read_safetensors(path):
    """A safetensors file as ({name: tensor}, metadata)."""
    with open(path, "rb") as f:
        data = f.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    types = {"F32": np.float32, "F64": np.float64}
    tensors = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        raw = np.frombuffer(data[8 + length + begin : 8 + length + end], dtype=types[t["dtype"]])
        tensors[name] = torch.from_numpy(raw.reshape(t["shape"]).copy())
    return tensors, metadata


WEIGHTS = {
    "reconstruction_normal": "reconstruction_weight",
    "patch_normal": "patch_weight",
    "latent_normal": "latent_weight",
    "adversarial_normal": "adversarial_normal_weight",
    "abc_anomalous": "abc_weight",
    "adversarial_anomalous": "adversarial_anomalous_weight",
}


class Norm(nn.BatchNorm2d):
    """Batch norm and its activation; `fixed` takes the running statistics as constants."""

    def __init__(self, channels, slope):
        super().__init__(channels)
        self.slope = slope

    def forward(self, x, fixed=False):
        y = F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, not fixed, self.momentum, self.eps)
        return F.leaky_relu(y, self.slope) if self.slope > 0 else F.relu(y)


class Block(nn.Module):
    """One layer, named as in Snag's checkpoints: .conv.weight, .norm.*"""

    def __init__(self, conv, norm=None):
        super().__init__()
        self.conv = conv
        self.norm = norm


class Generator(nn.Module):
    def __init__(self, width, skip, output_range):
        super().__init__()
        w, wider = width, 2 if skip else 1
        self.skip, self.range = skip, output_range
        size = [1, w, 2 * w, 4 * w, 8 * w]
        self.encoder = nn.ModuleList(
            Block(nn.Conv2d(size[i], size[i + 1], 4, 2, 1, bias=False), Norm(size[i + 1], 0.2) if i else None) for i in range(4))
        come, go = [8 * w, 4 * w * wider, 2 * w * wider, w * wider], [4 * w, 2 * w, w, 1]
        self.decoder = nn.ModuleList(
            Block(nn.ConvTranspose2d(come[i], go[i], 4, 2, 1, bias=False), Norm(go[i], 0) if i < 3 else None) for i in range(4))

    def maps(self, x, fixed=False):
        maps = [F.leaky_relu(self.encoder[0].conv(x), 0.2)]
        for block in self.encoder[1:]:
            maps.append(block.norm(block.conv(maps[-1]), fixed))
        return maps

    def forward(self, x, fixed=False):
        maps = self.maps(x, fixed)
        y = maps[3]
        for i in range(3):
            y = self.decoder[i].norm(self.decoder[i].conv(y), fixed)
            if self.skip:
                y = torch.cat([y, maps[2 - i]], 1)
        return self.range * torch.tanh(self.decoder[3].conv(y) / self.range)


class Discriminator(nn.Module):
    def __init__(self, width):
        super().__init__()
        size = [1, width, 2 * width, 4 * width, 4 * width, 1]
        for i in range(5):
            norm = Norm(size[i + 1], 0.2 if i == 3 else 0) if 1 <= i <= 3 else None
            self.add_module(str(i), Block(nn.Conv2d(size[i], size[i + 1], 4, 2 if i < 3 else 1, 1, bias=False), norm))

    def forward(self, x):
        layers = list(self.children())
        y = F.relu(layers[0].conv(x))
        for block in layers[1:4]:
            y = block.norm(block.conv(y))
        return torch.sigmoid(layers[4].conv(y))


def patch_loss(x, y, size, stride, largest):
    patches = F.avg_pool2d((x - y).abs(), size, stride).flatten(1)
    return patches.topk(largest, 1).values.mean()


def abc_loss(x, y, scale):
    error = (x - y).abs().mean((1, 2, 3)) / scale
    return -torch.log(-torch.expm1(-error.clamp(min=1e-6))).mean()


class Twin:
    """Networks, optimisers and one training step; `total_steps` is the length of the schedule."""

    def __init__(self, config, total_steps):
        self.config, self.total, self.done = config, total_steps, 0
        c = config
        self.G = Generator(c["width"], c["skip"], c["output_range"])
        self.N, self.AN = Discriminator(c["width"]), Discriminator(c["width"])
        batch_rate = c["lr"] if c["lr"] > 0 else 1e-3 * math.sqrt(c["batch_size"] / 64)
        self.rates = {"G": batch_rate, "N": batch_rate * c["discriminator_lr_ratio"], "AN": batch_rate * c["discriminator_lr_ratio"]}
        self.optimizers = {}
        for module in self.G, self.N, self.AN:
            for p in module.modules():
                if isinstance(p, (nn.Conv2d, nn.ConvTranspose2d)):
                    nn.init.normal_(p.weight, 0, 0.02)
        self.make_optimizers()

    def networks(self):
        return {"G": self.G, "N": self.N, "AN": self.AN}

    def make_optimizers(self):
        c = self.config
        for name, network in self.networks().items():
            self.optimizers[name] = torch.optim.AdamW(
                network.parameters(), lr=self.rates[name], betas=(c["beta1"], c["beta2"]), weight_decay=c["weight_decay"])
        self.average = {k: v.clone() for k, v in self.G.state_dict().items() if v.is_floating_point()}

    def load(self, tensors):
        for name, network in self.networks().items():
            own = network.state_dict()
            for key in own:
                if key.endswith("num_batches_tracked"):
                    continue
                own[key].copy_(tensors[name + "." + key])
        self.make_optimizers()

    def rate(self, name):
        base, s, c = self.rates[name], self.done, self.config
        if s < c["warmup"]:
            base *= (s + 1) / c["warmup"]
        if c["schedule"] == "cosine":
            base *= 0.5 * (1 + math.cos(math.pi * s / self.total))
        return base

    def update(self, name, loss):
        for group in self.optimizers[name].param_groups:
            group["lr"] = self.rate(name)
        parameters = list(self.networks()[name].parameters())
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters)):
            p.grad = g
        self.optimizers[name].step()

    def step(self, x, normal):
        """One step on x, whose first `normal` images are normal; returns the losses by Snag's names."""
        c, losses = self.config, {}
        y = self.G(x)
        kinds = [("N", "normal", x[:normal], y[:normal]), ("AN", "anomalous", x[normal:], y[normal:])]
        kinds = [k for k in kinds if len(k[2])]
        for name, kind, real, made in kinds:
            network = self.networks()[name]
            loss = ((network(real) - 1) ** 2).mean() + (network(made.detach()) ** 2).mean()
            losses["discriminator_" + kind] = loss
            self.update(name, c["discriminator_" + kind + "_weight"] * loss)
        for name, kind, real, made in kinds:
            if name == "N":
                with torch.no_grad():
                    latent = self.G.maps(real, fixed=True)[3]
                losses["reconstruction_normal"] = (real - made).abs().mean()
                losses["patch_normal"] = patch_loss(real, made, c["patch_size"], c["patch_stride"], c["patch_largest"])
                losses["latent_normal"] = (latent - self.G.maps(made.clamp(-1, 1), fixed=True)[3]).abs().mean()
                losses["adversarial_normal"] = ((self.N(made) - 1) ** 2).mean()
            else:
                losses["abc_anomalous"] = abc_loss(real, made, c["abc_scale"])
                losses["adversarial_anomalous"] = (self.AN(made) ** 2).mean()
        losses["generator"] = sum(c[WEIGHTS[k]] * v for k, v in losses.items() if k in WEIGHTS)
        self.update("G", losses["generator"])
        for name, kind, real, made in kinds:
            if name == "AN":
                losses["reconstruction_anomalous"] = (real - made).abs().mean()
        decay = min(c["ema"], self.done / (self.done + 10))
        with torch.no_grad():
            now = self.G.state_dict()
            torch._foreach_mul_(list(self.average.values()), decay)
            torch._foreach_add_(list(self.average.values()), [now[k] for k in self.average], alpha=1 - decay)
        self.done += 1
        return losses

    @torch.no_grad()
    def score(self, x):
        """Mean |x - G(x)| of each image with the averaged weights."""
        now = {k: v.clone() for k, v in self.G.state_dict().items()}
        self.G.load_state_dict(self.average, strict=False)
        y = self.G(x, fixed=True)
        self.G.load_state_dict(now)
        return (x - y).abs().mean((1, 2, 3))
