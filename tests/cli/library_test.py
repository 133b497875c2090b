"""Snag as a part of other programs: installed, fetched, and its reference pages."""
import gzip
import os
import pathlib
import shutil
import struct
import subprocess
import unittest
import zlib

from harness import NAMES, Case, read_csv, read_json

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ["BUILD"]


def png(side, pixels):
    """A gray PNG of side x side pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[y * side : (y + 1) * side] for y in range(side))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Library(Case):
    def command(self, *arguments, cwd=None):
        done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, cwd=cwd or self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def build(self, source, *flags):
        self.command("cmake", "-S", source, "-B", "build", "-G", "Ninja", *flags)
        return self.command("cmake", "--build", "build", "--target", "all" if source == SOURCE / "examples" else "own_op")

    def write_pictures(self, count):
        """The first images of the test file as PNG files."""
        content = gzip.decompress(pathlib.Path(self.data, NAMES["t10k"][0] + ".gz").read_bytes())
        side = int.from_bytes(content[8:12], "big")
        names = []
        for i in range(count):
            pixels = content[16 + i * side * side : 16 + (i + 1) * side * side]
            names.append(f"{i}.png")
            pathlib.Path(self.path(names[-1])).write_bytes(png(side, pixels))
        return names

    def assert_own_op_runs(self):
        lines = self.command(self.path("build", "own_op")).splitlines()
        self.assertEqual(len(lines), 6)
        self.assertIn("by differences", lines[0])

    def test_find_package(self):
        self.command("cmake", "--install", BUILD, "--prefix", self.path("installed"))
        self.build(SOURCE / "examples", "-DCMAKE_PREFIX_PATH=" + self.path("installed"), "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
        self.assert_own_op_runs()
        self.assert_ok(self.small("--out", "run", "--quiet"))
        threshold = read_json(self.path("run", "summary.json"))["threshold"]
        rows = read_csv(self.path("run", "scores.csv"))[:9]
        names = self.write_pictures(len(rows))
        expected = [[name, r["score"], "anomalous" if float(r["score"]) >= threshold else "normal"] for name, r in zip(names, rows)]
        printed = self.command(self.path("build", "detector"), "run", *names)
        self.assertEqual([line.split("\t") for line in printed.splitlines()], expected)
        self.command(self.path("installed", "bin", "train_gan"), "--version")

    def test_fetch_content(self):
        """Compiled for this machine alone and without optimisation, as it is to build, not to be fast."""
        self.build(SOURCE / "tests" / "library", f"-DFETCHCONTENT_SOURCE_DIR_SNAG={SOURCE}", "-DSNAG_CUDA=OFF", "-DCMAKE_UNITY_BUILD=ON",
                   "-DCMAKE_CXX_FLAGS=-O0 -DHWY_COMPILE_ONLY_STATIC")
        self.assert_own_op_runs()

    def test_examples_are_short(self):
        for name, most in ("detector.cpp", 40), ("own_op.cpp", 60):
            self.assertLess(len((SOURCE / "examples" / name).read_text().splitlines()), most, name)

    @unittest.skipUnless(shutil.which("doxygen"), "doxygen is not installed")
    def test_reference_pages(self):
        """Any warning is a failure."""
        settings = (SOURCE / "docs" / "Doxyfile").read_text() + f"\nOUTPUT_DIRECTORY = {self.folder}\n"
        done = subprocess.run(["doxygen", "-"], input=settings, capture_output=True, text=True, cwd=SOURCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        page = pathlib.Path(self.path("html", "classsnag_1_1Detector.html")).read_text()
        self.assertIn("A score equals that of the run", page)


if __name__ == "__main__":
    unittest.main()
