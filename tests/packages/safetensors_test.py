"""The weights of a run in the package safetensors, under the names that README.md states."""
import unittest

import numpy
from safetensors import safe_open
from safetensors.numpy import load_file

from harness import Case, read_json

NORM = ["weight", "bias", "running_mean", "running_var"]


def convolution(name, *shape):
    return {name + ".conv.weight": shape}


def norm(name, channels):
    return {f"{name}.norm.{part}": (channels,) for part in NORM}


def dual_gan(w):
    encoder, decoder = [1, w, 2 * w, 4 * w, 8 * w], [8 * w, 8 * w, 4 * w, 2 * w]
    expected = {}
    for i in range(4):
        expected |= convolution(f"G.encoder.{i}", encoder[i + 1], encoder[i], 4, 4)
        expected |= norm(f"G.encoder.{i}", encoder[i + 1]) if i > 0 else {}
        out = encoder[3 - i]
        expected |= convolution(f"G.decoder.{i}", decoder[i], out, 4, 4)
        expected |= norm(f"G.decoder.{i}", out) if i < 3 else {}
    critic = [1, w, 2 * w, 4 * w, 4 * w, 1]
    for name in "N", "AN":
        for i in range(5):
            expected |= convolution(f"{name}.{i}", critic[i + 1], critic[i], 4, 4)
            expected |= norm(f"{name}.{i}", critic[i + 1]) if 1 <= i <= 3 else {}
    return expected


def cnn(w):
    expected = {"C.head.weight": (32 * w,), "C.head.bias": (1,)}
    for i in range(4):
        expected |= convolution(f"C.{i}", w << i, 1 if i == 0 else w << (i - 1), 4, 4) | norm(f"C.{i}", w << i)
    return expected


def gan(w):
    sizes = [1024, 32 * w, 16 * w, 8 * w, 4 * w]
    layers = {f"G.encoder.{i}": (sizes[i + 1], sizes[i]) for i in range(4)}
    layers |= {f"G.decoder.{i}": (sizes[3 - i], sizes[4 - i]) for i in range(4)}
    critic = [1024, 16 * w, 8 * w, 1]
    layers |= {f"{name}.{i}": (critic[i + 1], critic[i]) for name in ("N", "AN") for i in range(3)}
    return {k + ".weight": s if s[0] > 1 else s[1:] for k, s in layers.items()} | {k + ".bias": s[:1] for k, s in layers.items()}


def neighbours(images, values):
    return {"known.centre": (values,), "known.precision": (values,), "known.latent": (images, values), "known.square_norm": (images,)}


class Weights(Case):
    def test_names_shapes_and_metadata(self):
        for model, expected in ("dual_gan", dual_gan(2)), ("gan", gan(2)), ("cnn", cnn(2)):
            with self.subTest(model):
                self.assert_ok(self.small("--model", model, "--out", model, "--quiet"))
                weights = load_file(self.path(model, "weights.safetensors"))
                if model == "gan":
                    expected |= neighbours(read_json(self.path(model, "summary.json"))["train_normal"], 4 * 2)
                self.assertEqual({k: v.shape for k, v in weights.items()}, expected)
                for name, values in weights.items():
                    self.assertEqual(values.dtype, numpy.float32)
                    self.assertTrue(numpy.isfinite(values).all(), name)
                with safe_open(self.path(model, "weights.safetensors"), "numpy") as file:
                    self.assertEqual(file.metadata()["model"], model)

    def test_the_state_loads_too(self):
        self.assert_ok(self.small("--out", "run", "--quiet"))
        state = load_file(self.path("run", "state.safetensors"))
        weights = load_file(self.path("run", "weights.safetensors"))
        numpy.testing.assert_array_equal(state["average.G.encoder.0.conv.weight"], weights["G.encoder.0.conv.weight"])


if __name__ == "__main__":
    unittest.main()
