"""Training on image files in folders: every layout, gray and colour, odd sizes, bad files, none anomalous."""
import os
import pathlib
import shutil
import unittest

import numpy
from PIL import Image, ImageOps
from sklearn.metrics import roc_auc_score

import pictures
from harness import Case, read_csv, read_json

FAST = ["--width", "2", "--epochs", "2", "--batch-size", "8", "--warmup", "2", "--clusters", "3", "--validation", "0.2"]


class OwnData(Case):
    def train(self, data, *flags):
        return self.run_program("--data", data, "--out", "run", "--overwrite", *FAST, *flags)

    def trained(self, data, *flags):
        self.assert_ok(self.train(data, *flags, "--quiet"))
        return read_json(self.path("run", "summary.json"))

    def log(self):
        return pathlib.Path(self.path("run", "train.log")).read_text()

    def test_normal_and_abnormal_in_every_form(self):
        for form in [dict(), dict(mode="RGB"), dict(end="jpg"), dict(end="jpeg", mode="RGB"), dict(size=(33, 57)), dict(size=(7, 5), mode="RGB")]:
            with self.subTest(form):
                shutil.rmtree(self.path("own"), ignore_errors=True)
                data = pictures.make_pairs(self.path("own"), **form)
                summary = self.trained(data)
                config = read_json(self.path("run", "config.json"))
                self.assertEqual(config["channels"], 3 if form.get("mode") == "RGB" else 1)
                self.assertEqual(summary["class_names"], ["normal", "abnormal"])
                # 40 of each: round(0.25 * 38) = 10 normal (0.25 * 40 = 10 anomalous) test, round(0.2 * 29) = 6 validate
                rows = read_csv(self.path("run", "scores.csv"))
                self.assertEqual([r["anomaly"] for r in rows].count("0"), 10)
                self.assertEqual(len(rows), 20)
                self.assertEqual(len(read_csv(self.path("run", "validation.csv"))), 12)
                self.assertEqual((summary["train_normal"], summary["train_anomalous"]), (24, 24))
                files = pathlib.Path(self.path("run", "test_files.txt")).read_text().splitlines()
                for row, file in zip(rows, files, strict=True):
                    self.assertEqual(row["anomaly"] == "1", "/abnormal/" in file)
                    self.assertTrue(os.path.exists(file))
        self.assertRegex(self.log(), r"normal images 'normal': 24 for training, 6 for the threshold, 10 for the test")
        self.assertIn("80 images of", self.log())
        self.assertIn("seed 0", self.log())

    def test_the_split_follows_from_the_seed(self):
        data = pictures.make_pairs(self.path("own"))
        splits = []
        for flags in [], ["--threads", "1"], ["--seed", "1"]:
            self.trained(data, "--model", "pca", "--components", "5", *flags)
            splits.append(pathlib.Path(self.path("run", "test_files.txt")).read_text())
        self.assertEqual(splits[0], splits[1])
        self.assertNotEqual(splits[0], splits[2])

    def test_detection_on_own_images_works(self):
        data = pictures.make_pairs(self.path("own"), normal=120, abnormal=120, mode="RGB")
        summary = self.trained(data, "--width", "4", "--epochs", "12", "--batch-size", "16", "--lr", "0.005", "--size", "32")
        self.assertGreater(summary["auroc"], 0.9)

    def test_sizes_and_channels(self):
        gray, colour = pictures.make_pairs(self.path("gray")), pictures.make_pairs(self.path("colour"), mode="RGB")
        for data, flags, channels in [(gray, ["--size", "64"], 1), (colour, ["--size", "128"], 3), (colour, ["--channels", "1"], 1),
                                      (gray, ["--channels", "3", "--model", "cnn", "--size", "64"], 3)]:
            with self.subTest(flags):
                self.trained(data, *flags, "--epochs", "1")
                config = read_json(self.path("run", "config.json"))
                self.assertEqual(config["channels"], channels)
                picture = numpy.array(Image.open(next(pathlib.Path(self.path("run", "samples")).glob("*.png")))) if "cnn" not in flags else None
                if picture is not None:
                    self.assertEqual(picture.shape[2], 3)

    def test_mvtec_with_masks(self):
        data = pictures.make_mvtec(self.path("own"), mode="RGB")
        summary = self.trained(data, "--model", "autoencoder", "--width", "4", "--epochs", "4")
        self.assertEqual(summary["class_names"], ["good", "hole", "stain"])
        self.assertEqual(sorted(summary["auroc_per_class"]), ["1", "2"])
        rows = read_csv(self.path("run", "scores.csv"))
        self.assertEqual([r["label"] for r in rows], ["0"] * 12 + ["1"] * 12 + ["2"] * 12)
        self.assertEqual((summary["train_normal"], summary["train_anomalous"]), (32, 0))
        self.assertIn("unreliable", self.log())
        self.assertIn("5 %", summary["threshold_rule"])
        self.assertNotIn("validation_auroc", summary)
        # the area under the curve over pixels, from the masks and what the program says it makes of the images
        self.check_pixel_auroc(summary)

    def check_pixel_auroc(self, summary):
        files = pathlib.Path(self.path("run", "test_files.txt")).read_text().splitlines()
        done = self.detect("--model", "run", "--npy", "arrays", *files)
        self.assert_ok(done)
        error = numpy.load(self.path("arrays", "errors.npy"))
        truth = []
        for file in map(pathlib.Path, files):
            mask = file.parents[2] / "ground_truth" / file.parent.name / (file.stem + "_mask.png")
            full = numpy.array(Image.open(mask)) > 0 if mask.exists() else numpy.zeros((30, 40), bool)
            fine = numpy.kron(full, numpy.ones((32, 32)))  # each pixel 32 times, then blocks averaged
            truth.append(fine.reshape(32, 30, 32, 40).mean((1, 3)) > 127.5 / 255)
        self.assertAlmostEqual(summary["pixel_auroc"], roc_auc_score(numpy.array(truth).ravel(), error.ravel()), places=6)

    def test_mvtec_without_masks_and_with_anomalies_to_train_on(self):
        data = pictures.make_mvtec(self.path("own"), masks=False)
        self.assertNotIn("pixel_auroc", self.trained(data, "--model", "autoencoder"))
        pictures.fill(self.path("own", "train", "hole"), 20, True)
        summary = self.trained(data)  # dual_gan, which learns from them
        self.assertEqual((summary["train_normal"], summary["train_anomalous"]), (32, 16))
        self.assertEqual(summary["threshold_rule"], "best F1 on validation")

    def test_normal_images_alone(self):
        data = pictures.make_pairs(self.path("own"), abnormal=0)
        for model in ["autoencoder"], ["gan", "--normal-only"], ["knn"], ["pca", "--components", "5"]:
            done = self.train(data, "--model", *model)
            self.assert_ok(done)
            self.assertRegex(done.stderr, "train_gan: warning: no anomalous image .* unreliable")
            self.assertIn("nothing is measured", done.stderr)
            summary = read_json(self.path("run", "summary.json"))
            self.assertNotIn("auroc", summary)
            scores = sorted(float(r["score"]) for r in read_csv(self.path("run", "validation.csv")))
            self.assertGreater(summary["threshold"], scores[-1])  # 5 % of six images is none
        self.assert_refused(self.train(data, "--quiet"), 3, "no anomalous images", "--model autoencoder")

    def test_bad_images(self):
        data = pictures.make_pairs(self.path("own"), end="jpg")
        broken = pathlib.Path(data, "normal", "003.jpg")
        broken.write_bytes(broken.read_bytes()[:200])
        pathlib.Path(data, "abnormal", "007.png").write_text("no image")
        pathlib.Path(data, "normal", "notes.txt").write_text("not meant as an image")
        done = self.train(data, "--quiet")
        self.assert_refused(done, 3, "normal/003.jpg", "truncated JPEG", "1 more", "--on-bad-image skip")
        done = self.train(data, "--on-bad-image", "skip")
        self.assert_ok(done)
        self.assertIn("2 images cannot be read", done.stderr)
        listed = pathlib.Path(self.path("run", "bad_images.txt")).read_text().splitlines()
        self.assertEqual(len(listed), 2)
        self.assertIn("normal/003.jpg: is a corrupt or truncated JPEG", listed[0])
        self.assertIn("abnormal/007.png: is neither a PNG nor a JPEG", listed[1])
        self.assertIn("1 files are no .png", self.log())

    def test_resuming_on_own_images(self):
        data = pictures.make_pairs(self.path("own"), mode="RGB")
        self.trained(data)
        before = pathlib.Path(self.path("run", "scores.csv")).read_bytes()
        os.remove(self.path("run", "summary.json"))
        self.assert_ok(self.run_program("--resume", "--out", "run", "--quiet"))
        self.assertEqual(pathlib.Path(self.path("run", "scores.csv")).read_bytes(), before)

    def test_ten_thousand_images(self):
        for kind in "normal", "abnormal":
            folder = pathlib.Path(self.path("own", kind))
            folder.mkdir(parents=True)
            first = pictures.draw(1, kind == "abnormal", size=(8, 8))[0]
            first.save(folder / "0.png")
            for i in range(1, 5000):
                os.link(folder / "0.png", folder / f"{i}.png")
        summary = self.trained(self.path("own"), "--epochs", "1", "--batch-size", "512", "--sampling", "random", "--validation", "0.05")
        self.assertEqual(len(read_csv(self.path("run", "scores.csv"))), 2500)

    def turn(self, *parts):
        Image.open(self.path(*parts)).transpose(Image.Transpose.ROTATE_90).save(self.path(*parts))

    def test_photographs_lie_as_their_camera_was_held(self):
        tag = 0x0112
        pictures.make_mvtec(self.path("held"), 16, 8, masks=False, mode="RGB", end="jpg")
        for number, file in enumerate(sorted(pathlib.Path(self.path("held")).rglob("*.jpg"))):
            image, exif = Image.open(file), Image.Exif()
            image.load()
            exif[tag] = number % 8 + 1
            image.save(file, exif=exif)
        shutil.copytree(self.path("held"), self.path("upright"))
        sizes = set()
        for file in pathlib.Path(self.path("upright")).rglob("*.jpg"):
            upright = ImageOps.exif_transpose(Image.open(file))
            sizes.add(upright.size)
            upright.save(file.with_suffix(".png"))
            file.unlink()
        self.assertEqual(sizes, {(40, 30), (30, 40)})
        scores = []
        for data in "held", "upright":
            self.trained(self.path(data), "--model", "pca", "--components", "5", "--size", "32")
            scores.append([row["score"] for row in read_csv(self.path("run", "scores.csv"))])
        self.assertEqual(scores[0], scores[1])

    def test_layouts_that_are_none(self):
        one = lambda: pictures.fill(self.path("own", "normal"), 1, False)
        few = lambda: pictures.fill(self.path("own", "train", "good"), 4, False)
        table = [
            ("an empty folder", lambda: os.makedirs(self.path("own")), 7, "train-images"),
            ("empty normal/", lambda: os.makedirs(self.path("own", "normal")), 3, "own/normal"),
            ("one image", one, 3, "at least 3"),
            ("empty abnormal/", lambda: (one(), os.makedirs(self.path("own", "abnormal"))), 3, "own/abnormal"),
            ("train/ without good/", lambda: pictures.fill(self.path("own", "train", "bad"), 3, True), 3, "neither good/ nor normal/"),
            ("both layouts", lambda: (one(), few()), 3, "both normal/ and train/"),
            ("empty test/", lambda: (few(), os.makedirs(self.path("own", "test"))), 3, "own/test"),
            ("empty test/good", lambda: (few(), os.makedirs(self.path("own", "test", "good"))), 3, "own/test/good"),
            ("a mask that is missing", lambda: (pictures.make_mvtec(self.path("own"), 4, 2), os.remove(self.path("own", "ground_truth", "hole", "2001_mask.png"))), 3, "2001_mask.png"),
            ("a mask that lies across", lambda: (pictures.make_mvtec(self.path("own"), 4, 2), self.turn("own", "ground_truth", "hole", "2001_mask.png")), 3, "2001_mask.png: is a mask of 40 x 30 pixels for an image of 30 x 40"),
        ]
        for what, make, code, part in table:
            with self.subTest(what):
                shutil.rmtree(self.path("own"), ignore_errors=True)
                make()
                self.assert_refused(self.train(self.path("own"), "--model", "autoencoder", "--quiet"), code, part)
                self.assertFalse(os.path.exists(self.path("run")))

    def test_settings_that_do_not_go_with_image_folders(self):
        data = pictures.make_pairs(self.path("own"), 8, 8)
        for flags, part in [(["--normal-class", "1"], "--normal-class"), (["--hold-out", "1"], "--hold-out"), (["--size", "48"], "32, 64 or 128"),
                            (["--channels", "2"], "--channels is 2"), (["--on-bad-image", "ignore"], "fail, skip"), (["--test", "0"], "--test"),
                            (["--batch-size", "64"], "--batch-size 64"), (["--patch-size", "40"], "--patch-size")]:
            self.assert_refused(self.train(data, "--quiet", *flags), 2, part)
        self.assert_refused(self.run_program("--data", self.data, "--channels", "3", "--out", "run"), 2, "gray")
        self.assert_refused(self.train(data, "--quiet", "--train-normal", "100"), 3, "100 normal")


if __name__ == "__main__":
    unittest.main()
