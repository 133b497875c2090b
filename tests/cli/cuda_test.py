"""train_gan with the CUDA backend; the program may be one that simt runs."""
import os
import shutil
import sys
import unittest

from harness import Case, digest, read_json

DEVICE = 6
SIMT = bool(os.environ.get("SIMT"))
TINY = ["--device", "cuda", "--train-normal", "8", "--train-anomalous", "8", "--epochs", "1", "--sample-every", "2", "--quiet"]


class Cuda(Case):
    def test_a_run_from_the_data_to_the_summary(self):
        for model in ["dual_gan", "gan", "cnn", "pca"]:
            with self.subTest(model):
                self.assert_ok(self.small("--model", model, "--out", model, "--components", "4", "--precision", "fp32", *TINY))
                summary = read_json(self.path(model, "summary.json"))
                self.assertTrue(0 <= summary["auroc"] <= 1)
                if model == "dual_gan":
                    self.assertGreater(summary["kernels_per_step"], 10)
                    self.assertTrue(10 < summary["longest_chain_per_step"] < summary["kernels_per_step"])
                self.assertIn("cuda, ", read_json(self.path(model, "environment.json"))["device"])

    def test_the_cpu_scores_what_the_gpu_trained_alike(self):
        for device in ["cuda", "cpu"]:
            self.assert_ok(self.small("--out", device, "--precision", "fp32", *TINY, "--device", device))
        on_gpu, on_cpu = (read_json(self.path(device, "summary.json"))["auroc"] for device in ["cuda", "cpu"])
        self.assertAlmostEqual(on_gpu, on_cpu, delta=0.02)

    def test_the_same_seed_gives_the_same_bits(self):
        for name in ["a", "b"]:
            self.assert_ok(self.small("--out", name, *TINY))
        self.assertEqual(*[digest(self.path(name, "weights.safetensors")) for name in ["a", "b"]])

    @unittest.skipUnless(SIMT, "a GPU has more memory than this test would fill")
    def test_a_batch_that_does_not_fit(self):
        done = self.run_program("--data", self.data, "--clusters", "3", "--validation", "0.25", "--out", "out", "--width", "30", "--batch-size",
                                "36", *TINY[:2], "--quiet")
        self.assert_refused(done, DEVICE, "MB are free", "--batch-size", "would fit")
        self.assertFalse(os.path.exists(self.path("out")))


if __name__ == "__main__":
    if not SIMT and not shutil.which("nvidia-smi"):
        print("no CUDA device: skipped")
        sys.exit(77)
    unittest.main()
