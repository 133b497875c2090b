"""detect, as people use it: every kind of input and output, decisions, heat maps, watching, pipes, and exit codes."""
import csv
import io
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import time
import unittest

import numpy
from PIL import Image

import pictures
from harness import Case, read_csv, read_json

TRAIN = ["--width", "4", "--epochs", "6", "--batch-size", "16", "--lr", "0.005", "--clusters", "3", "--validation", "0.3", "--quiet"]


class Detect(Case):
    @classmethod
    def setUpClass(cls):
        """One run for all tests, on colour images."""
        cls.shared = Case("setUp")
        Case.setUp(cls.shared)
        own = pictures.make_pairs(cls.shared.path("own"), normal=60, abnormal=60, mode="RGB", size=(36, 28))
        done = cls.shared.run_program("--data", own, "--out", "run", *TRAIN)
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.shared.doCleanups()

    def setUp(self):
        super().setUp()
        for name in "own", "run":
            os.symlink(self.shared.path(name), self.path(name))

    def scores_of_the_run(self):
        files = pathlib.Path(self.path("run", "test_files.txt")).read_text().splitlines()
        return files, [float(r["score"]) for r in read_csv(self.path("run", "scores.csv"))]

    def rows(self, *arguments, **options):
        done = self.detect("--model", "run", "--csv", "--quiet", *arguments, **options)
        self.assert_ok(done)
        return list(csv.DictReader(io.StringIO(done.stdout)))

    def test_scores_equal_those_of_the_run_bit_for_bit(self):
        files, expected = self.scores_of_the_run()
        rows = self.rows(*files)
        self.assertEqual([r["path"] for r in rows], files)
        self.assertEqual([numpy.float32(r["score"]) for r in rows], [numpy.float32(s) for s in expected])
        threshold = read_json(self.path("run", "summary.json"))["threshold"]
        for r in rows:
            self.assertEqual(numpy.float32(r["threshold"]), numpy.float32(threshold))
            self.assertEqual(r["anomalous"], "yes" if numpy.float32(r["score"]) >= numpy.float32(threshold) else "no")

    def test_the_three_forms_say_the_same(self):
        rows = self.rows("own/normal")
        done = self.detect("--model", "run", "--json", "own/normal")
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(list(objects[0]), ["path", "score", "threshold", "anomalous", "confidence"])
        table = self.detect("--model", "run", "own/normal").stdout.splitlines()
        self.assertEqual(table[0].split(), ["anomalous", "confidence", "score", "threshold", "image"])
        self.assertEqual(len(rows), 60)
        for row, thing, line in zip(rows, objects, table[1:], strict=True):
            self.assertEqual(row["path"], thing["path"])
            self.assertEqual(float(row["score"]), thing["score"])
            self.assertEqual(row["anomalous"] == "yes", thing["anomalous"])
            self.assertEqual(float(row["confidence"]), thing["confidence"])
            self.assertEqual([row[k] for k in ("anomalous", "score", "threshold", "path")], [line.split()[k] for k in (0, 2, 3, 4)])
        self.assertRegex(done.stderr, "60 images")

    def test_paths_from_standard_input(self):
        files, _ = self.scores_of_the_run()
        for text in "\n".join(files[:3]) + "\n", "\n\n" + "\n".join(files[:3]):
            self.assertEqual([r["path"] for r in self.rows("-", input=text)], files[:3])
        self.assertEqual(self.rows("-", input=""), [])

    def test_lines_come_while_standard_input_is_open(self):
        process = subprocess.Popen([os.environ["DETECT"], "--model", "run", "--json", "--quiet", "-"], cwd=self.folder,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in "000", "001":
            process.stdin.write(f"own/normal/{name}.png\n")
            process.stdin.flush()
            self.assertEqual(json.loads(process.stdout.readline())["path"], f"own/normal/{name}.png")
        process.communicate()
        self.assertEqual(process.returncode, 0)

    def test_images_of_other_kinds_are_taken(self):
        """Gray, palette, alpha, 16 bits, JPEG, one pixel: brought to what the detector sees."""
        os.mkdir(self.path("mixed"))
        image, _ = pictures.draw(3, False, size=(50, 20), mode="RGB")
        image.save(self.path("mixed", "a.jpg"), quality=95)
        image.convert("L").save(self.path("mixed", "b.png"))
        image.convert("P").save(self.path("mixed", "c.png"))
        image.convert("RGBA").save(self.path("mixed", "d.png"))
        Image.fromarray(numpy.arange(600, dtype=numpy.uint16).reshape(20, 30) * 100).save(self.path("mixed", "e.png"))
        Image.new("RGB", (1, 1), (200, 10, 10)).save(self.path("mixed", "f.PNG"))
        image.save(self.path("mixed", "g.png"))
        rows = self.rows("mixed")
        self.assertEqual([r["path"][6:] for r in rows], ["a.jpg", "b.png", "c.png", "d.png", "e.png", "f.PNG", "g.png"])
        self.assertEqual(rows[3]["score"], rows[6]["score"])  # opaque alpha changes nothing

    def test_thresholds(self):
        rows = self.rows("own/normal", "--threshold", "-5")
        self.assertEqual({(r["threshold"], r["anomalous"]) for r in rows}, {("-5", "yes")})
        normal = sorted(float(r["score"]) for r in read_csv(self.path("run", "validation.csv")) if r["anomaly"] == "0")
        for rate in 0.1, 0.5:
            threshold = float(self.rows("own/normal/000.png", "--target-fpr", rate)[0]["threshold"])
            reported = sum(s >= threshold for s in normal)
            self.assertEqual(reported, int(rate * len(normal)))
        done = self.detect("--model", "run", "own/normal/000.png", "--target-fpr", "0.001")
        self.assertIn("lies above all of them", done.stderr)

    def test_confidence_is_the_share_of_validation_images_beyond(self):
        validation = read_csv(self.path("run", "validation.csv"))
        scores = {kind: [numpy.float32(r["score"]) for r in validation if r["anomaly"] == kind] for kind in "01"}
        for r in self.rows("own"):
            s = numpy.float32(r["score"])
            share = numpy.mean([n < s for n in scores["0"]] if r["anomalous"] == "yes" else [a > s for a in scores["1"]])
            self.assertAlmostEqual(float(r["confidence"]), share, places=12)

    def test_exit_codes_for_a_pipeline(self):
        self.assertEqual(self.detect("--model", "run", "own/normal/000.png", "--threshold", "1e9", "--fail-on-anomaly").returncode, 0)
        self.assertEqual(self.detect("--model", "run", "own/normal/000.png", "--threshold", "-9", "--fail-on-anomaly").returncode, 10)
        self.assertEqual(self.detect("--model", "run", "own/normal/000.png", "--threshold", "-9").returncode, 0)

    def test_heat_maps(self):
        rows = self.rows("own/abnormal/000.png", "own/normal/000.png", "run/../own/normal/001.png", "--heatmap", "maps")
        self.assertEqual([r["heat_map"] for r in rows], ["maps/000.png", "maps/000-2.png", "maps/001.png"])
        picture = numpy.array(Image.open(self.path("maps", "000-2.png")))
        self.assertEqual(picture.shape, (256 + 32, 3 * 256 + 32, 3))
        # the first panel is the image as the detector sees it, eight pixels a side for one
        seen = picture[24:280:8, 8:264:8].astype(int)
        exact = numpy.array(pictures.draw(0, False, size=(36, 28), mode="RGB")[0]).astype(float)
        self.assertLess(abs(seen.mean((0, 1)) - exact.mean((0, 1))).max(), 3)
        # the last one shows the image where the error is small: it lies nearer to it than the heat colours would
        self.rows("own/abnormal", "--heatmap", "folder")
        self.assertEqual(len(os.listdir(self.path("folder"))), 60)

    def test_arrays(self):
        files, expected = self.scores_of_the_run()
        self.rows(*files, "--npy", "arrays")
        scores, made, error = (numpy.load(self.path("arrays", name + ".npy")) for name in ("scores", "reconstructions", "errors"))
        self.assertTrue((scores == numpy.array(expected, numpy.float32)).all())
        self.assertEqual(made.shape, (len(files), 32, 32, 3))
        self.assertEqual(error.shape, (len(files), 32, 32))
        numpy.testing.assert_allclose(error.mean((1, 2)), scores, rtol=1e-5)

    def test_bad_images(self):
        shutil.copytree(self.path("own", "normal"), self.path("some"))
        pathlib.Path(self.path("some", "005.png")).write_bytes(b"\x89PNG\r\n\x1a\n")
        done = self.detect("--model", "run", "--csv", "some")
        self.assertEqual(done.returncode, 3)
        self.assertIn("some/005.png: is a corrupt or truncated PNG", done.stderr)
        done = self.detect("--model", "run", "--csv", "some", "--on-bad-image", "skip")
        self.assert_ok(done)
        self.assertEqual(len(done.stdout.splitlines()), 60)  # with the header
        self.assertRegex(done.stderr, "left out: .*some/005.png: is a corrupt")

    def test_ten_thousand_images(self):
        os.mkdir(self.path("many"))
        for i in range(10000):
            os.link(self.shared.path("own", "normal", f"{i % 60:03}.png"), self.path("many", f"{i:05}.png"))
        done = self.detect("--model", "run", "--csv", "many")
        self.assert_ok(done)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertEqual(len(rows), 10000)
        self.assertTrue(all(rows[i]["score"] == rows[i % 60]["score"] for i in range(10000)))
        # Ctrl-C ends it in good order: whole lines, and the code that says so
        process = subprocess.Popen([os.environ["DETECT"], "--model", "run", "--csv", "--quiet", "many"], cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        process.stdout.readline()  # and no byte more, which communicate() would not see
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, errors), (130, b""))
        self.assertLess(len(rest.splitlines()), 10000)
        self.assertEqual({line.count(b",") for line in rest.splitlines()}, {4})

    def test_a_watched_folder(self):
        os.mkdir(self.path("incoming"))
        shutil.copy(self.path("own", "normal", "000.png"), self.path("incoming", "a.png"))
        process = subprocess.Popen([os.environ["DETECT"], "--model", "run", "--json", "--quiet", "--follow", "incoming"], cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        seen = lambda: json.loads(process.stdout.readline())["path"]
        self.assertEqual(seen(), "incoming/a.png")
        shutil.copy(self.path("own", "normal", "001.png"), self.path("incoming", "b.png"))  # written and closed
        self.assertEqual(seen(), "incoming/b.png")
        shutil.copy(self.path("own", "normal", "002.png"), self.path("c.tmp"))
        os.rename(self.path("c.tmp"), self.path("incoming", "c.png"))  # moved there
        self.assertEqual(seen(), "incoming/c.png")
        os.mkdir(self.path("incoming", "later"))
        time.sleep(0.5)
        pathlib.Path(self.path("incoming", "notes.txt")).write_text("no image")
        shutil.copy(self.path("own", "normal", "003.png"), self.path("incoming", "later", "d.png"))
        self.assertEqual(seen(), "incoming/later/d.png")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
        self.assertEqual((process.returncode, rest, errors), (130, "", ""))

    def test_a_terminal_has_colour_and_a_pipe_has_none(self):
        command = [os.environ["DETECT"], "--model", "run", "own/normal/000.png", "--threshold", "-9", "--quiet"]
        for extra, coloured in ({}, True), ({"NO_COLOR": "1"}, False):
            ours, theirs = pty.openpty()
            environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | extra
            subprocess.run(command, cwd=self.folder, stdout=theirs, env=environment, check=True)
            os.close(theirs)
            shown = b""
            try:
                while chunk := os.read(ours, 10000):
                    shown += chunk
            except OSError:  # a pseudo-terminal's end
                pass
            self.assertEqual(b"\x1b[31m" in shown, coloured, shown)
            os.close(ours)
        self.assertNotIn("\x1b", self.detect(*command[1:]).stdout)

    def test_a_closed_pipe_is_an_error(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([os.environ["DETECT"], "--model", "run", "own/normal", "--quiet"], cwd=self.folder, stdout=writer,
                              stderr=subprocess.PIPE, text=True)
        os.close(writer)
        self.assertEqual(done.returncode, 7)
        self.assertIn("standard output", done.stderr)

    def test_runs_of_every_model(self):
        for model in ["knn"], ["pca", "--components", "5"], ["cnn"], ["gan"], ["autoencoder"], ["dcgan"]:
            with self.subTest(model):
                self.assert_ok(self.run_program("--data", "own", "--out", "other", "--overwrite", *TRAIN, "--epochs", "1", "--width", "2", "--model", *model))
                files = pathlib.Path(self.path("other", "test_files.txt")).read_text().splitlines()
                expected = [float(r["score"]) for r in read_csv(self.path("other", "scores.csv"))]
                done = self.detect("--model", "other", "--json", "--quiet", *files)
                self.assert_ok(done)
                self.assertEqual([numpy.float32(json.loads(l)["score"]) for l in done.stdout.splitlines()], [numpy.float32(s) for s in expected])

    def test_a_run_on_idx_files(self):
        self.assert_ok(self.small("--out", "idx", "--quiet"))
        self.assertEqual(len(self.detect("--model", "idx", "--json", "own/normal").stdout.splitlines()), 60)


if __name__ == "__main__":
    unittest.main()
