"""Runs train_gan as people do. The program is the environment variable TRAIN_GAN."""
import csv
import gzip
import hashlib
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["TRAIN_GAN"]
REAL_DATA = "/usr/share/datasets/fashion-mnist"
NAMES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), "t10k": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}


def idx(sizes, data, kind=8):
    return struct.pack(">BBBB", 0, 0, kind, len(sizes)) + b"".join(struct.pack(">I", s) for s in sizes) + bytes(data)


def make_data(folder, per_class=24, side=12, packed=True, seed=1):
    """A small data set in IDX: class k has a bright stripe in column k + 1, and noise."""
    draw = random.Random(seed)
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    for split, count in ("train", per_class), ("t10k", 8):
        labels = [k for k in range(10) for _ in range(count)]
        draw.shuffle(labels)
        pixels = bytearray()
        for k in labels:
            for row in range(side):
                pixels += bytes(255 if column == k + 1 else draw.randrange(60) for column in range(side))
        for name, content in zip(NAMES[split], (idx([len(labels), side, side], pixels), idx([len(labels)], labels))):
            (folder / (name + (".gz" if packed else ""))).write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return str(folder)


def read_json(path):
    return json.loads(pathlib.Path(path).read_text())


def read_csv(path):
    return list(csv.DictReader(pathlib.Path(path).read_text().splitlines()))


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def everything_in(folder):
    folder = pathlib.Path(folder)
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) if folder.exists() else []


class Case(unittest.TestCase):
    """A temporary folder, a small data set, and runs that take a second."""

    SMALL = ["--width", "2", "--epochs", "2", "--batch-size", "8", "--clusters", "3", "--warmup", "2", "--validation", "0.25"]

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="snag-cli-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = make_data(os.path.join(self.folder, "data"))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def run_program(self, *arguments, timeout=240, **options):
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, cwd=self.folder, **options)

    def small(self, *arguments, **options):
        return self.run_program("--data", self.data, *self.SMALL, *arguments, **options)

    def assert_ok(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)

    def detect(self, *arguments, timeout=240, **options):
        return subprocess.run([os.environ["DETECT"], *map(str, arguments)], capture_output=True, text=True, timeout=timeout, cwd=self.folder, **options)

    def assert_refused(self, done, code, *parts, program="train_gan"):
        """One line on stderr that holds `parts`, nothing on stdout, exit code `code`."""
        self.assertEqual(done.returncode, code, done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith(program + ": "), lines[0])
        for part in parts:
            self.assertIn(part, lines[0])
        self.assertEqual(done.stdout, "")
