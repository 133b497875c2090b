"""Trains the PyTorch twin from Snag's initial weights on Snag's batches.

usage: trajectory.py START.safetensors CONFIG.json OUT
START holds the networks' weights and batch.0, batch.1, ... [images,1,32,32], all F64. Writes one line a step,
"name value" pairs, and a last line with the scores of the last batch.
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"))
import torch
from twin import Twin, read_safetensors

torch.set_default_dtype(torch.float64)
tensors, metadata = read_safetensors(sys.argv[1])
twin = Twin(json.load(open(sys.argv[2])), int(metadata["total_steps"]))
twin.load(tensors)
steps = sum(name.startswith("batch.") for name in tensors)
with open(sys.argv[3], "w") as out:
    for s in range(steps):
        x = tensors[f"batch.{s}"]
        losses = twin.step(x, x.shape[0] // 2)
        out.write(" ".join(f"{k} {v.item():.17g}" for k, v in sorted(losses.items())) + "\n")
    out.write(" ".join(f"{v:.17g}" for v in twin.score(x).tolist()) + "\n")
