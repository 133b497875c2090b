"""Detection on the real Fashion-MNIST, class 0 normal: AUROC over the whole test file."""
import unittest

from harness import REAL_DATA, Case, read_json


class RealData(Case):
    def auroc(self, *flags):
        self.assert_ok(self.run_program("--data", REAL_DATA, "--out", "run", "--overwrite", "--quiet", *flags, timeout=1500))
        return read_json(self.path("run", "summary.json"))["auroc"]

    def test_random_is_chance(self):
        self.assertAlmostEqual(self.auroc("--model", "random"), 0.5, delta=0.02)

    def test_dual_gan_in_two_epochs(self):
        self.assertGreaterEqual(self.auroc("--epochs", "2", "--width", "32"), 0.96)

    def test_cnn(self):
        self.assertGreaterEqual(self.auroc("--model", "cnn", "--epochs", "3"), 0.975)


if __name__ == "__main__":
    unittest.main()
