"""What a run leaves behind, interrupting and resuming, and the same bits whatever the number of threads."""
import os
import pathlib
import signal
import subprocess
import unittest

from harness import PROGRAM, Case, digest, everything_in, make_data, read_csv, read_json

MODELS = ["random", "knn", "pca", "cnn", "autoencoder", "restore", "gan", "dcgan", "dual_gan"]


class RunFolder(Case):
    def test_every_model_trains_scores_and_sums_up(self):
        for model in MODELS:
            with self.subTest(model):
                self.assert_ok(self.small("--model", model, "--out", model, "--components", "10", "--quiet"))
                summary = read_json(self.path(model, "summary.json"))
                for key in "auroc", "average_precision", "best_f1", "threshold", "balanced_accuracy", "seconds":
                    self.assertIsInstance(summary[key], float, key)
                self.assertEqual(sorted(summary["auroc_per_class"]), [str(k) for k in range(1, 10)])
                rows = read_csv(self.path(model, "scores.csv"))
                self.assertEqual(list(rows[0]), ["index", "label", "anomaly", "score"])
                self.assertEqual([int(r["index"]) for r in rows], list(range(80)))
                for r in rows:
                    self.assertEqual(int(r["anomaly"]), int(r["label"] != "0"))

    def test_the_summary_follows_from_the_scores(self):
        from sklearn.metrics import average_precision_score, balanced_accuracy_score, f1_score, roc_auc_score

        self.assert_ok(self.small("--out", "run", "--quiet"))
        summary = read_json(self.path("run", "summary.json"))
        rows = read_csv(self.path("run", "scores.csv"))
        truth = [int(r["anomaly"]) for r in rows]
        score = [float(r["score"]) for r in rows]
        alarm = [s >= summary["threshold"] for s in score]
        self.assertAlmostEqual(summary["auroc"], roc_auc_score(truth, score), places=9)
        self.assertAlmostEqual(summary["average_precision"], average_precision_score(truth, score), places=9)
        self.assertAlmostEqual(summary["best_f1"], f1_score(truth, alarm), places=9)
        balanced = [s >= summary["balanced_threshold"] for s in score]
        self.assertAlmostEqual(summary["best_balanced_accuracy"], balanced_accuracy_score(truth, balanced), places=9)
        self.assertAlmostEqual(summary["balanced_accuracy"], balanced_accuracy_score(truth, alarm), places=9)

    def test_files_of_a_trained_run(self):
        done = self.small("--out", "run", "--sample-every", "3")
        self.assert_ok(done)
        files = everything_in(self.path("run"))
        for name in ["config.json", "environment.json", "metrics.csv", "train.log", "weights.safetensors", "state.safetensors",
                     "scores.csv", "summary.json", "report.html", "samples/epoch-001.png", "samples/epoch-001-step-000003.png",
                     "samples/epoch-002.png"]:
            self.assertIn(name, files)
        rows = read_csv(self.path("run", "metrics.csv"))
        summary = read_json(self.path("run", "summary.json"))
        self.assertEqual(int(rows[-1]["step"]), summary["steps"])
        self.assertTrue(rows[-1]["validation_auroc"])
        for name in ["generator", "reconstruction_normal", "patch_normal", "latent_normal", "adversarial_normal", "abc_anomalous",
                     "adversarial_anomalous", "discriminator_normal", "discriminator_anomalous"]:
            self.assertGreater(float(rows[0][name]), 0)
        self.assertRegex(done.stderr, r"epoch 1/2  step \d+/\d+ .*images/s  ETA")
        picture = pathlib.Path(self.path("run", "samples", "epoch-001.png")).read_bytes()
        self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")

    def test_runs_without_a_name_are_numbered(self):
        for expected in "dual_gan-c0-s0", "dual_gan-c0-s0-2", "dual_gan-c0-s0-3":
            self.assert_ok(self.small("--quiet"))
            self.assertTrue(os.path.exists(self.path("runs", expected, "summary.json")), expected)

    def test_the_saved_configuration_repeats_the_run(self):
        self.assert_ok(self.small("--out", "a", "--quiet", "--seed", "3", "--lr", "0.002", "--augment", "rotate,crop=1"))
        self.assert_ok(self.run_program("--config", "a/config.json", "--out", "b", "--quiet"))
        self.assertEqual(digest(self.path("a", "weights.safetensors")), digest(self.path("b", "weights.safetensors")))
        self.assertEqual(digest(self.path("a", "scores.csv")), digest(self.path("b", "scores.csv")))
        self.assert_ok(self.run_program("--config", "a/config.json", "--out", "c", "--seed", "4", "--quiet"))  # flags override
        self.assertNotEqual(digest(self.path("a", "scores.csv")), digest(self.path("c", "scores.csv")))

    def test_held_out_and_several_normal_classes(self):
        self.assert_ok(self.small("--normal-class", "0,2", "--hold-out", "6,7", "--out", "run", "--quiet"))
        summary = read_json(self.path("run", "summary.json"))
        self.assertEqual(summary["normal_class"], [0, 2])
        self.assertEqual(sorted(summary["auroc_per_class"]), list("1345") + list("6789"))
        log = pathlib.Path(self.path("run", "train.log")).read_text()
        self.assertRegex(log, "held out")

    def test_plain_and_packed_data_are_the_same_data(self):
        make_data(self.path("plain"), packed=False)
        self.assert_ok(self.small("--out", "a", "--quiet"))
        self.data = self.path("plain")
        self.assert_ok(self.small("--out", "b", "--quiet"))
        self.assertEqual(digest(self.path("a", "weights.safetensors")), digest(self.path("b", "weights.safetensors")))

    def test_presets_and_batch_size_one(self):
        small = ["--epochs", "1", "--width", "2", "--quiet"]
        for preset in "students", "kim2020", "fast":
            self.assert_ok(self.run_program("--data", self.data, "--preset", preset, "--validation", "0.25", "--out", preset, *small,
                                            *(["--batch-size", "8"] if preset == "fast" else [])))
        self.assertEqual(read_json(self.path("students", "config.json"))["batch_size"], 1)
        self.assertEqual(read_json(self.path("kim2020", "config.json"))["abc_weight"], 0.5)

    def test_help_and_version(self):
        done = self.run_program("--help")
        self.assert_ok(done)
        for flag in ["--model", "--normal-class", "--hold-out", "--data", "--out", "--epochs", "--batch-size", "--lr", "--width",
                     "--train-normal", "--train-anomalous", "--augment", "--seed", "--device", "--threads", "--resume", "--quiet",
                     "--config", "--preset", "Examples"]:
            self.assertIn(flag, done.stdout)
        self.assertRegex(self.run_program("--version").stdout, r"^\d+\.\d+\.\d+")

    def test_quiet_is_quiet(self):
        done = self.small("--out", "run", "--quiet")
        self.assertEqual((done.stdout, done.stderr), ("", ""))


class Determinism(Case):
    def test_the_weights_do_not_depend_on_the_number_of_threads(self):
        for model in "dual_gan", "gan", "cnn":
            sums = set()
            for threads in 1, 2, 3:
                out = f"{model}-{threads}"
                self.assert_ok(self.small("--model", model, "--threads", threads, "--out", out, "--quiet"))
                sums.add(digest(self.path(out, "weights.safetensors")) + digest(self.path(out, "scores.csv")))
            self.assertEqual(len(sums), 1, model)


class Interruption(Case):
    LONG = ["--epochs", "60", "--sample-every", "7"]

    def interrupt(self, out, sign, after, *flags):
        """Starts a run and sends `sign` once `after` lines have come; returns its exit code."""
        process = subprocess.Popen([PROGRAM, *flags, "--out", out], cwd=self.folder, stderr=subprocess.PIPE, text=True)
        for count, _ in enumerate(process.stderr):
            if count == after:
                process.send_signal(sign)
                break
        rest = process.stderr.read()
        process.wait()
        process.stderr.close()
        self.assertIn("--resume", rest)
        return process.returncode

    def test_an_interrupted_and_resumed_run_ends_with_the_same_bits(self):
        flags = ["--data", self.data, *self.SMALL, *self.LONG]
        self.assert_ok(self.run_program(*flags, "--out", "whole", "--quiet"))
        self.assertEqual(self.interrupt("parts", signal.SIGINT, 9, *flags), 130)
        self.assertNotIn("summary.json", everything_in(self.path("parts")))
        self.assertEqual(self.interrupt("parts", signal.SIGTERM, 12, "--resume"), 143)
        self.assert_ok(self.run_program("--resume", "--out", "parts", "--threads", "1"))
        for name in "weights.safetensors", "scores.csv":
            self.assertEqual(digest(self.path("whole", name)), digest(self.path("parts", name)), name)

        def losses(run):  # rows of metrics.csv without the speed
            return [{k: v for k, v in r.items() if k != "images_per_second"} for r in read_csv(self.path(run, "metrics.csv"))]

        self.assertEqual(losses("whole"), losses("parts"))

    def test_a_killed_run_goes_on_from_its_last_epoch(self):
        flags = ["--data", self.data, *self.SMALL, *self.LONG]
        self.assert_ok(self.run_program(*flags, "--out", "whole", "--quiet"))
        process = subprocess.Popen([PROGRAM, *flags, "--out", "killed"], cwd=self.folder, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "epoch 5/" in line:
                process.kill()
                break
        process.communicate()
        self.assert_ok(self.run_program("--resume", "--out", "killed", "--quiet"))
        self.assertEqual(digest(self.path("whole", "weights.safetensors")), digest(self.path("killed", "weights.safetensors")))

    def test_resuming_a_finished_run_does_no_harm(self):
        self.assert_ok(self.small("--out", "run", "--quiet"))
        before = digest(self.path("run", "weights.safetensors"))
        self.assert_ok(self.run_program("--resume", "--out", "run", "--quiet"))
        self.assertEqual(digest(self.path("run", "weights.safetensors")), before)


if __name__ == "__main__":
    unittest.main()
