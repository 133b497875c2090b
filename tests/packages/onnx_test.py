"""The ONNX exports in onnxruntime, beside the arrays that Snag computes itself."""
import gzip
import os
import pathlib
import subprocess
import unittest

import numpy
import onnx
import onnxruntime
from PIL import Image

from harness import NAMES, REAL_DATA, Case, read_csv, read_json
from pictures import make_pairs

# Of scores and, by the scale of an image (0 .. 255), of its pixels: sums in another order, batch norm folded into weights.
MOST = 1e-5


def read_idx(path):
    opened = gzip.open(path) if os.path.exists(path) else open(path[:-3], "rb")
    with opened as file:
        content = file.read()
    rank = content[3]
    sizes = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * rank).reshape(sizes)


def resized(images, size):
    """Bilinear, half-pixel centres, the edge repeated, rounded half up; in whole numbers."""
    side = images.shape[1]
    at = numpy.clip((2 * numpy.arange(size) + 1) * side - size, 0, 2 * size * (side - 1))  # in parts of 2 size
    low, share = at // (2 * size), at % (2 * size)
    high = numpy.minimum(low + 1, side - 1)
    x = images.astype(numpy.int64)
    rows = x[:, low, :] * (2 * size - share)[None, :, None] + x[:, high, :] * share[None, :, None]
    both = rows[:, :, low] * (2 * size - share) + rows[:, :, high] * share
    unit = (2 * size) ** 2
    return ((2 * both + unit) // (2 * unit)).astype(numpy.float32)


def auroc(score, anomaly):
    """By pairs, equal scores counted half."""
    order = numpy.sort(score[anomaly == 0])
    above = numpy.searchsorted(order, score[anomaly == 1], "left") + numpy.searchsorted(order, score[anomaly == 1], "right")
    return above.sum() / 2 / len(order) / (anomaly == 1).sum()


class Onnx(Case):
    def program(self, name, *arguments):
        done = subprocess.run([os.environ[name], *arguments], capture_output=True, text=True, cwd=self.folder)
        return done

    def export(self, run):
        self.assert_ok(self.program("EXPORT_ONNX", "--model", run))
        self.assert_ok(self.program("EXPORT_NPY", "--model", run, "--out", run))
        for path in pathlib.Path(self.path(run)).glob("*.onnx"):
            onnx.checker.check_model(onnx.load(path), full_check=True)

    def session(self, run, name):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(self.path(run, name), options, providers=["CPUExecutionProvider"])

    def array(self, run, name):
        return numpy.load(self.path(run, name))

    def assert_equal_to_snag(self, run, images):
        """The scorer's outputs on images [N,h,w] or [N,c,h,w], batch by batch; returns its scores."""
        scorer = self.session(run, "scorer.onnx")
        images = images if images.ndim == 4 else images[:, None]
        names = [o.name for o in scorer.get_outputs()]
        batches = [scorer.run(None, {"image": images[i : i + 1000]}) for i in range(0, len(images), 1000)]
        got = {name: numpy.concatenate([b[k] for b in batches]) for k, name in enumerate(names)}
        score = self.array(run, "scores.npy")
        scale, most = numpy.abs(score), MOST
        if "reconstruction" not in got:
            scale = numpy.maximum(scale, score.std())  # a logit may be 0
        if "neighbours" in read_json(self.path(run, "config.json"))["score"]:
            scale = numpy.maximum(scale, score.std())  # as may a distance, in which a latent's values count by how little
            most = 10 * MOST  # they vary among the normal images
        self.assertLessEqual((numpy.abs(got["score"] - score) / scale).max(), most)
        if "reconstruction" in got:
            made = self.array(run, "reconstructions.npy")  # in colour, channels last
            made = made.transpose(0, 3, 1, 2) if made.ndim == 4 else made[:, None]
            for name, expected in ("reconstruction", 127.5 * (made + 1)), ("heat_map", 127.5 * self.array(run, "errors.npy")[:, None]):
                self.assertEqual(got[name].shape, expected.shape)
                self.assertLessEqual(numpy.abs(got[name] - expected).max() / 255, MOST)
        return got["score"]

    def test_every_model_and_score(self):
        images = resized(read_idx(self.path("data", NAMES["t10k"][0] + ".gz")), 32)
        table = [("dual_gan", []), ("dual_gan", ["--score", "patch", "--no-skip"]), ("dcgan", ["--score", "l2+discriminator"]), ("gan", []), ("gan", ["--score", "l2"]),
                 ("gan", ["--score", "discriminator"]),
                 ("autoencoder", []), ("restore", []), ("restore", ["--score", "l2"]),
                 ("gan", ["--score", "l1+neighbours", "--neighbours", "3"]), ("cnn", [])]
        for i, (model, flags) in enumerate(table):
            with self.subTest(model=model, flags=flags):
                run = f"run-{i}"
                self.assert_ok(self.small("--model", model, "--out", run, "--quiet", *flags))
                self.export(run)
                self.assert_equal_to_snag(run, images)
                self.assertEqual(os.path.exists(self.path(run, "generator.onnx")), model != "cnn")

    def test_images_in_colour(self):
        self.data = make_pairs(self.path("photos"), 24, 24, size=(32, 32), mode="RGB")
        self.assert_ok(self.run_program("--data", self.data, "--width", "4", "--batch-size", "8", "--epochs", "1", "--out", "run", "--quiet"))
        self.export("run")
        files = open(self.path("run", "test_files.txt")).read().splitlines()
        images = [numpy.asarray(Image.open(os.path.join(self.data, f)), numpy.float32).transpose(2, 0, 1) for f in files]
        self.assert_equal_to_snag("run", numpy.stack(images))

    def test_ten_thousand_images_of_the_real_data(self):
        if not os.path.isdir(REAL_DATA):
            self.skipTest("the package dataset-fashion-mnist is not installed")
        self.data = REAL_DATA
        self.assert_ok(self.small("--width", "4", "--train-normal", "500", "--epochs", "1", "--out", "run", "--quiet"))
        self.export("run")
        images = resized(read_idx(os.path.join(REAL_DATA, NAMES["t10k"][0] + ".gz")), 32)
        self.assertEqual(len(images), 10000)
        score = self.assert_equal_to_snag("run", images)
        anomaly = numpy.array([int(r["anomaly"]) for r in read_csv(self.path("run", "scores.csv"))])
        self.assertLessEqual(abs(auroc(score, anomaly) - read_json(self.path("run", "summary.json"))["auroc"]), 1e-6)

    def test_the_arrays_are_the_scores_of_the_run(self):
        self.assert_ok(self.small("--out", "run", "--quiet"))
        self.assert_ok(self.program("EXPORT_NPY", "--model", "run", "--out", "run"))
        score = self.array("run", "scores.npy")
        self.assertEqual(score.dtype, numpy.float32)
        written = numpy.array([r["score"] for r in read_csv(self.path("run", "scores.csv"))], dtype=numpy.float32)
        numpy.testing.assert_array_equal(score, written)
        numpy.testing.assert_allclose(self.array("run", "errors.npy").mean(axis=(1, 2)), score, rtol=1e-5)

    def test_the_generator_is_the_scorer_s(self):
        self.assert_ok(self.small("--out", "run", "--quiet"))
        self.export("run")
        images = resized(read_idx(self.path("data", NAMES["t10k"][0] + ".gz")), 32)[:, None]
        (y,) = self.session("run", "generator.onnx").run(["y"], {"x": images / numpy.float32(127.5) - 1})
        (made,) = self.session("run", "scorer.onnx").run(["reconstruction"], {"image": images})
        numpy.testing.assert_allclose(127.5 * (y + 1), made, atol=255 * MOST)

    def test_metadata_say_how_to_decide(self):
        self.assert_ok(self.small("--out", "run", "--normal-class", "2,3", "--quiet"))
        self.assert_ok(self.program("EXPORT_ONNX", "--model", "run", "--out", "."))
        said = self.session(".", "scorer.onnx").get_modelmeta().custom_metadata_map
        self.assertEqual(numpy.float32(said["threshold"]), numpy.float32(read_json(self.path("run", "summary.json"))["threshold"]))
        self.assertEqual((said["model"], said["normal_class"]), ("dual_gan", "2,3"))
        self.assertIn("32 x 32", said["preprocessing"])

    def test_what_cannot_be_exported(self):
        self.assert_ok(self.small("--model", "pca", "--components", "9", "--out", "pca", "--quiet"))
        for flags, part in ((["--model", "pca"], "no network"), (["--model", "gone"], "gone"), ([], "--model")):
            done = self.program("EXPORT_ONNX", *flags)
            self.assertEqual((done.returncode, len(done.stderr.splitlines()), done.stdout), (2, 1, ""), done.stderr)
            self.assertIn(part, done.stderr)
        self.assertEqual(self.program("EXPORT_NPY", "--model", "pca", "--out", "gone").returncode, 7)


if __name__ == "__main__":
    unittest.main()
