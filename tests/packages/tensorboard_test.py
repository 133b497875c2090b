"""TensorBoard's own reader on the events of a run: what it would show."""
import pathlib
import signal
import subprocess
import unittest

import numpy
from tensorboard.backend.event_processing import event_file_loader, plugin_event_accumulator
from tensorboard.plugins.pr_curve.metadata import parse_plugin_metadata
from tensorboard.util import tensor_util

from harness import PROGRAM, Case, read_csv, read_json

EVENTS = "events.out.tfevents"
STUDENTS = {"reconstruction_normal": "Reconstructive Loss (Normal)", "reconstruction_anomalous": "Reconstructive Loss (Anomaly)",
            "discriminator_normal": "discriminator_loss_1", "discriminator_anomalous": "discriminator_loss_2"}


class TensorBoard(Case):
    def read(self, run):
        """What the server shows: all of it, as tensors."""
        tensors = {plugin: 0 for plugin in ("scalars", "images", "histograms", "pr_curves")}
        return plugin_event_accumulator.EventAccumulator(self.path(run), tensor_size_guidance=tensors).Reload()

    def values(self, events, tag):
        return [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)]

    def scores(self, run):
        rows = read_csv(self.path(run, "scores.csv"))
        return numpy.array([float(r["score"]) for r in rows]), numpy.array([int(r["anomaly"]) for r in rows])

    def test_losses_and_areas_are_those_of_the_run(self):
        self.assert_ok(self.small("--out", "run", "--sample-every", "3", "--quiet"))
        events = self.read("run")
        rows = read_csv(self.path("run", "metrics.csv"))
        losses = [c for c in rows[0] if c not in ("epoch", "step", "validation_auroc")]
        self.assertGreater(len(losses), 9)
        for name in losses:
            plain = name in ("learning_rate", "images_per_second")
            shown = self.values(events, STUDENTS.get(name, name if plain else "losses/" + name))
            self.assertEqual([s for s, _ in shown], [int(r["step"]) for r in rows if r[name]])
            numpy.testing.assert_allclose([v for _, v in shown], [float(r[name]) for r in rows if r[name]], rtol=1e-6)
        areas = [(int(r["step"]), float(r["validation_auroc"])) for r in rows if r["validation_auroc"]]
        numpy.testing.assert_allclose(self.values(events, "AUROC (Validation)"), areas, rtol=1e-6)
        summary = read_json(self.path("run", "summary.json"))
        numpy.testing.assert_allclose(self.values(events, "AUROC (Test)"), [(summary["steps"], summary["auroc"])], rtol=1e-6)

    def test_pictures_are_those_of_the_samples_folder(self):
        self.assert_ok(self.small("--out", "run", "--sample-every", "3", "--quiet"))
        shown = self.values(self.read("run"), "samples")
        self.assertEqual(len(shown), 2)
        for epoch, (_, (width, height, *pictures)) in enumerate(shown, 1):
            png = pathlib.Path(self.path("run", "samples", f"epoch-{epoch:03}.png")).read_bytes()
            self.assertEqual(pictures, [png])
            self.assertEqual((int(width), int(height)), (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")))

    def test_histograms_hold_every_score(self):
        self.assert_ok(self.small("--out", "run", "--quiet"))
        events, (score, anomaly) = self.read("run"), self.scores("run")
        for kind, name in enumerate(["normal", "anomalous"]):
            ((_, buckets),) = self.values(events, f"Scores (Test)/{name}")
            mine = score[anomaly == kind]
            self.assertEqual(buckets[:, 2].sum(), len(mine))
            self.assertAlmostEqual(buckets[0, 0], mine.min(), places=6)
            self.assertAlmostEqual(buckets[-1, 1], mine.max(), places=6)
            for left, right, count in buckets[1:-1]:
                self.assertLessEqual(abs(count - ((mine >= left) & (mine < right)).sum()), 1)  # a score on the edge, rounded

    def test_the_precision_recall_curve_is_that_of_the_scores(self):
        self.assert_ok(self.small("--out", "run", "--quiet"))
        events, (score, anomaly) = self.read("run"), self.scores("run")
        tag = "Precision-recall (Test)"
        self.assertIn(tag, events.PluginTagToContent("pr_curves"))
        ((_, rows),) = self.values(events, tag)
        count = parse_plugin_metadata(events.PluginTagToContent("pr_curves")[tag]).num_thresholds
        self.assertEqual(rows.shape, (6, count))
        for i, t in enumerate(numpy.linspace(score.min(), score.max(), count)):
            if numpy.abs(score - t).min() < 1e-7:
                continue  # rounding decides
            hits, alarms = (score[anomaly == 1] >= t).sum(), (score[anomaly == 0] >= t).sum()
            expected = [hits, alarms, (anomaly == 0).sum() - alarms, (anomaly == 1).sum() - hits, hits / (hits + alarms),
                        hits / (anomaly == 1).sum()]
            numpy.testing.assert_allclose(rows[:, i], expected, rtol=1e-6)

    def test_a_resumed_run_shows_each_step_once(self):
        flags = ["--data", self.data, *self.SMALL, "--epochs", "40", "--sample-every", "3"]
        process = subprocess.Popen([PROGRAM, *flags, "--out", "parts"], cwd=self.folder, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "epoch 3/" in line:
                process.send_signal(signal.SIGKILL)
                break
        process.communicate()
        self.assert_ok(self.run_program("--resume", "--out", "parts", "--quiet"))
        steps = [s for s, _ in self.values(self.read("parts"), "losses/generator")]
        self.assertEqual(steps, [int(r["step"]) for r in read_csv(self.path("parts", "metrics.csv"))])
        self.assertEqual(steps, sorted(set(steps)))

    def test_a_reference_shows_its_scores(self):
        self.assert_ok(self.small("--model", "knn", "--out", "run", "--quiet"))
        self.assertEqual(len(self.values(self.read("run"), "AUROC (Test)")), 1)

    def test_the_reader_believes_the_checksums(self):
        """That is: it looks at them, so reading without complaint says that they are right."""
        self.assert_ok(self.small("--model", "random", "--out", "run", "--quiet"))
        path = pathlib.Path(self.path("run", EVENTS))
        whole = len(list(event_file_loader.EventFileLoader(str(path)).Load()))
        content = bytearray(path.read_bytes())
        content[-5] ^= 1
        path.write_bytes(content)
        self.assertEqual(len(list(event_file_loader.EventFileLoader(str(path)).Load())), whole - 1)


if __name__ == "__main__":
    unittest.main()
