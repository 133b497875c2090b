"""Every bad input: exit code, message, nothing left behind."""
import gzip
import os
import pathlib
import resource
import shutil
import subprocess
import unittest

from harness import NAMES, PROGRAM, Case, everything_in, idx, make_data, read_json

USAGE, DATA, CHECKPOINT, DIVERGED, DEVICE, IO = 2, 3, 4, 5, 6, 7
TRAIN_IMAGES, TRAIN_LABELS = NAMES["train"]
TEST_IMAGES, TEST_LABELS = NAMES["t10k"]


class BadFlags(Case):
    TABLE = [
        (["--no-such-flag"], "no-such-flag"),
        (["stray"], "stray"),
        (["--epochs"], "--epochs"),
        (["--epochs", "many"], "--epochs"),
        (["--epochs", "0"], "--epochs is 0"),
        (["--epochs", "1e3"], "--epochs"),
        (["--epochs", "99999999999"], "--epochs"),
        (["--batch-size", "0"], "--batch-size is 0"),
        (["--batch-size", "7"], "even number"),
        (["--batch-size", "10000"], "--batch-size 10000"),
        (["--lr", "-1"], "--lr is -1"),
        (["--lr", "nan"], "--lr"),
        (["--lr", "inf"], "--lr"),
        (["--width", "0"], "--width is 0"),
        (["--width", "100000"], "--width is 100000"),
        (["--seed", "-1"], "--seed"),
        (["--threads", "-2"], "--threads is -2"),
        (["--threads", "100000"], "--threads"),
        (["--validation", "0"], "--validation is 0"),
        (["--validation", "1.5"], "--validation"),
        (["--ema", "1"], "--ema"),
        (["--dropout", "1"], "--dropout"),
        (["--model", "resnet"], "dual_gan"),
        (["--preset", "none"], "kim2020"),
        (["--device", "tpu"], "--device"),
        (["--schedule", "step"], "cosine"),
        (["--augment", "blur"], "hflip"),
        (["--augment", "shift=99"], "shift"),
        (["--augment", "hflip=1"], "hflip"),
        (["--normal-class", "10"], "--normal-class is 10"),
        (["--normal-class", "-1"], "--normal-class is -1"),
        (["--normal-class", "shoe"], "--normal-class"),
        (["--normal-class", "0,0"], "0"),
        (["--normal-class", "0,1,2,3,4,5,6,7,8,9"], "every class is normal"),
        (["--normal-class", "0", "--hold-out", "0"], "0"),
        (["--hold-out", "1,2,3,4,5,6,7,8,9"], "anomal"),
        (["--patch-largest", "10"], "--patch-largest"),
        (["--normal-only", "--model", "cnn"], "--normal-only"),
        (["--model", "restore", "--augment", "hflip,shift"], "upright"),
        (["--model", "restore", "--augment", "rotate"], "upright"),
        (["--score", "best"], "latent"),
        (["--score", "l1+"], "--score is 'l1+'"),
        (["--score", "l1+l1"], "different"),
        (["--model", "autoencoder", "--score", "l1+discriminator"], "does not train"),
        (["--score", "discriminator", "--discriminator-normal-weight", "0"], "does not train"),
        (["--abc-weight", "-3"], "--abc-weight"),
        (["--reconstruction-weight", "0", "--patch-weight", "0", "--latent-weight", "0", "--adversarial-normal-weight", "0"], "weights"),
        (["--neighbours", "1000", "--model", "knn"], "--neighbours"),
    ]

    def test_each_bad_flag_is_one_line_and_exit_code_2(self):
        for flags, part in self.TABLE:
            with self.subTest(flags=flags):
                self.assert_refused(self.small("--out", "out", *flags) if "--out" not in flags else self.small(*flags), USAGE, part)
                self.assertFalse(os.path.exists(self.path("out")))
                self.assertFalse(os.path.exists(self.path("runs")))


    def test_resuming_what_is_not_there(self):
        self.assert_refused(self.run_program("--resume"), USAGE, "--out")
        self.assert_refused(self.run_program("--resume", "--out", "nowhere"), USAGE, "nowhere")
        self.assertEqual(os.listdir(self.folder), ["data"])


class BadConfig(Case):
    TABLE = [
        ("", "config.json"),
        ("{", "config.json"),
        ("[]", "object"),
        ('{"epochs": 1, "epochs": 2}', "epochs"),
        ('{"epoch": 1}', "epoch"),
        ('{"epochs": "2"}', "epochs"),
        ('{"epochs": 2.5}', "epochs"),
        ('{"epochs": -1}', "epochs"),
        ('{"epochs": 1e30}', "epochs"),
        ('{"lr": true}', "lr"),
        ('{"lr": null}', "lr"),
        ('{"skip": 1}', "skip"),
        ('{"model": "resnet"}', "dual_gan"),
        ('{"normal_class": [0, "1"]}', "normal_class"),
        ('{"normal_class": []}', "--normal-class"),
        ('{"width": 2} trailing', "config.json"),
        ("\xff\xfe", "config.json"),
    ]

    def test_each_bad_configuration_names_the_file_or_the_key(self):
        for text, part in self.TABLE:
            with self.subTest(text=text):
                pathlib.Path(self.path("config.json")).write_bytes(text.encode("latin-1"))
                self.assert_refused(self.run_program("--config", "config.json", "--data", self.data, "--out", "out"), USAGE, part)
                self.assertFalse(os.path.exists(self.path("out")))

    def test_a_missing_configuration_is_an_input_error(self):
        self.assert_refused(self.run_program("--config", "gone.json"), IO, "gone.json")


class BadData(Case):
    def setUp(self):
        super().setUp()
        self.plain = make_data(self.path("plain"), packed=False)

    def change(self, name, edit):
        """The plain data set with one file edited; `edit` maps bytes to bytes, or to None to remove it."""
        shutil.rmtree(self.path("bad"), ignore_errors=True)
        shutil.copytree(self.plain, self.path("bad"))
        path = pathlib.Path(self.path("bad", name))
        content = edit(path.read_bytes())
        path.unlink()
        if content is not None:
            path.write_bytes(content)

    def refuse(self, code, *parts):
        self.data = self.path("bad")
        self.assert_refused(self.small("--out", "out"), code, *parts)
        self.assertEqual(everything_in(self.path("out")), [])

    def test_bad_files(self):
        packed = lambda b: gzip.compress(b, mtime=0)
        flip = lambda b, at: b[:at] + bytes([b[at] ^ 0xFF]) + b[at + 1 :]
        table = [
            ("missing images", TRAIN_IMAGES, lambda b: None, IO),
            ("missing labels", TEST_LABELS, lambda b: None, IO),
            ("an empty file", TRAIN_IMAGES, lambda b: b"", DATA),
            ("wrong magic", TRAIN_IMAGES, lambda b: b"\1" + b[1:], DATA),
            ("wrong type", TRAIN_IMAGES, lambda b: b[:2] + b"\x0d" + b[3:], DATA),
            ("wrong rank", TRAIN_IMAGES, lambda b: b[:3] + b"\1" + b[4:], DATA),
            ("labels in place of images", TRAIN_IMAGES, lambda b: idx([240], [0] * 240), DATA),
            ("truncated", TRAIN_IMAGES, lambda b: b[:-1], DATA),
            ("truncated header", TRAIN_IMAGES, lambda b: b[:9], DATA),
            ("trailing bytes", TRAIN_IMAGES, lambda b: b + b"\0", DATA),
            ("trailing bytes in labels", TRAIN_LABELS, lambda b: b + b"\0", DATA),
            ("truncated gzip", TRAIN_IMAGES, lambda b: packed(b)[:-20], DATA),
            ("gzip cut before its checksum", TRAIN_IMAGES, lambda b: packed(b)[:-8], DATA),
            ("gzip with a wrong checksum", TRAIN_IMAGES, lambda b: flip(packed(b), len(packed(b)) - 6), DATA),
            ("corrupt gzip", TRAIN_IMAGES, lambda b: flip(packed(b), len(packed(b)) // 2), DATA),
            ("gzip with trailing data", TRAIN_IMAGES, lambda b: packed(b + b"\0"), DATA),
            ("gzip header alone", TRAIN_IMAGES, lambda b: packed(b)[:10], DATA),
            ("a header that promises too much", TRAIN_IMAGES, lambda b: b[:4] + b"\xff" * 12 + b[16:], DATA),
            ("fewer labels than images", TRAIN_LABELS, lambda b: idx([239], b[8:-1]), DATA),
            ("a label of 10", TRAIN_LABELS, lambda b: b[:-1] + b"\x0a", DATA),
            ("images that are not square", TRAIN_IMAGES, lambda b: idx([480, 6, 12], b[16:]), DATA),
            ("no images", TRAIN_IMAGES, lambda b: idx([0, 12, 12], b""), DATA),
            ("an empty class", TRAIN_LABELS, lambda b: b[:8] + b[8:].replace(b"\0", b"\1"), DATA),
        ]
        for what, name, edit, code in table:
            with self.subTest(what):
                self.change(name, edit)
                self.refuse(code, name if what != "an empty class" else "class 0")

    def test_a_folder_that_is_not_there(self):
        self.data = self.path("nowhere")
        self.assert_refused(self.small("--out", "out"), IO, "nowhere")

    def test_more_images_than_there_are(self):
        self.assert_refused(self.small("--out", "out", "--train-normal", "100000"), DATA, "100000")
        self.assert_refused(self.small("--out", "out", "--train-anomalous", "100000"), DATA, "100000")

    def test_a_file_that_may_not_be_read(self):
        if os.geteuid() == 0:
            self.skipTest("root reads everything")
        self.change(TRAIN_IMAGES, lambda b: b)
        os.chmod(self.path("bad", TRAIN_IMAGES), 0)
        self.refuse(IO, TRAIN_IMAGES)


class BadCheckpoint(Case):
    def setUp(self):
        super().setUp()
        process = subprocess.Popen([os.environ["TRAIN_GAN"], "--data", self.data, *self.SMALL, "--epochs", "5000", "--out", "run"],
                                   cwd=self.folder, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "validation AUROC" in line:
                break
        process.terminate()
        process.communicate()
        self.assertEqual(process.returncode, 143)
        self.state = pathlib.Path(self.path("run", "state.safetensors"))

    def test_a_state_that_is_damaged_or_of_another_run(self):
        good = self.state.read_bytes()
        length = int.from_bytes(good[:8], "little")
        table = [
            ("empty", b""),
            ("truncated", good[:-1]),
            ("trailing byte", good + b"\0"),
            ("cut in the header", good[:40]),
            ("header length", b"\xff" * 8 + good[8:]),
            ("header text", good[:8] + b"x" + good[9:]),
            ("a name", good[: 8 + length].replace(b"G.encoder.0.conv.weight", b"G.encoder.9.conv.weight", 1) + good[8 + length :]),
            ("the model", good[: 8 + length].replace(b'"dual_gan"', b'"dual_gas"') + good[8 + length :]),
        ]
        for what, content in table:
            with self.subTest(what):
                self.assertNotEqual(content, good)
                self.state.write_bytes(content)
                done = self.run_program("--resume", "--out", "run", "--quiet")
                self.assert_refused(done, CHECKPOINT, "run/state.safetensors")
        self.assertEqual(everything_in(self.path("run")).count("summary.json"), 0)

    def test_settings_that_would_change_the_result_are_refused(self):
        for flags in ["--epochs", "3"], ["--lr", "1"], ["--preset", "fast"], ["--config", "run/config.json"]:
            self.assert_refused(self.run_program("--resume", "--out", "run", *flags), USAGE, "--resume")

    def test_an_unfinished_run_is_not_overwritten_unless_told(self):
        self.assert_refused(self.small("--out", "run"), USAGE, "unfinished", "--resume", "--overwrite")
        self.assert_ok(self.small("--out", "run", "--overwrite", "--quiet"))


class BadOutput(Case):
    def test_a_finished_run_is_not_overwritten_unless_told(self):
        self.assert_ok(self.small("--out", "run", "--quiet"))
        before = pathlib.Path(self.path("run", "summary.json")).read_bytes()
        self.assert_refused(self.small("--out", "run"), USAGE, "finished", "--overwrite")
        self.assertEqual(pathlib.Path(self.path("run", "summary.json")).read_bytes(), before)
        self.assert_ok(self.small("--out", "run", "--overwrite", "--quiet", "--seed", "7"))
        self.assertEqual(read_json(self.path("run", "summary.json"))["seed"], 7)

    def test_folders_that_cannot_be_made(self):
        pathlib.Path(self.path("file")).write_text("mine")
        for out in "file", "file/below", "/proc/nowhere":
            with self.subTest(out):
                self.assert_refused(self.small("--out", out), IO, out)
        self.assertEqual(pathlib.Path(self.path("file")).read_text(), "mine")

    def test_a_limit_on_file_size(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        self.assert_refused(self.small("--out", "out", "--quiet", preexec_fn=limit), IO, "out/")
        self.assertNotIn("summary.json", everything_in(self.path("out")))
        self.assertFalse([name for name in everything_in(self.path("out")) if ".tmp" in name])

    def test_a_full_disk(self):
        disk = self.path("disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", disk], capture_output=True).returncode:
            self.skipTest("may not mount a small disk here")
        try:
            self.assert_refused(self.small("--out", "disk/out", "--quiet"), IO, "disk/out/", "No space left")
            left = everything_in(disk)
            self.assertNotIn("out/summary.json", left)
            self.assertFalse([name for name in left if ".tmp" in name])
        finally:
            subprocess.run(["umount", disk], check=True)


class BadLuck(Case):
    @unittest.skipIf(shutil.which("nvidia-smi"), "there is a CUDA device")
    def test_no_cuda_device(self):
        self.assert_refused(self.small("--out", "out", "--device", "cuda"), DEVICE, "--device cpu")

    def test_too_little_memory(self):
        self.assert_refused(self.small("--out", "out", "--quiet", "--memory", "0.0005"), DEVICE, "--batch-size")
        self.assertNotIn("summary.json", everything_in(self.path("out")))

    @unittest.skipIf(os.environ.get("SANITIZE"), "a sanitizer's shadow memory needs all of the address space")
    def test_little_address_space(self):
        linked = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout.split()
        libraries = sum(os.path.getsize(path) for path in linked if path.startswith("/"))  # cuBLAS alone has hundreds of MB
        most = (200 << 20) + libraries
        done = self.small("--out", "out", "--width", "64", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
        self.assertEqual(done.returncode, DEVICE, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_a_loss_that_is_not_finite(self):
        # Decay 1 at rate 10 multiplies every weight by -9 a step.
        done = self.small("--out", "out", "--quiet", "--lr", "10", "--weight-decay", "1", "--warmup", "0", "--schedule", "constant",
                          "--epochs", "50", "--model", "cnn")
        self.assert_refused(done, DIVERGED, "not finite", "--lr")
        self.assertNotIn("summary.json", everything_in(self.path("out")))


if __name__ == "__main__":
    unittest.main()
