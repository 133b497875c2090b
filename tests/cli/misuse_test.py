"""Misuse of all programs in one table: arguments, exit code, what the message says. bad_input_test.py has train_gan's flags,
configurations, IDX files and checkpoints; own_data_test.py has its image folders."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from PIL import Image

import pictures
from harness import Case, everything_in

USAGE, DATA, CHECKPOINT, DEVICE, IO = 2, 3, 4, 6, 7
DETECT, ONNX, NPY, PLAN = "detect", "export_onnx", "export_npy", "run_experiments"

# Runs are made below: "run" (dual_gan), "knn", and damaged copies of "run".
TABLE = [
    # run_experiments: arguments and plans
    (PLAN, ["--sede", "2"], USAGE, "--seeds"),
    (PLAN, ["extra"], USAGE, "extra"),
    (PLAN, ["--model", "gan", "--study", "plan.json"], USAGE, "one of --model, --config and --study"),
    (PLAN, ["--model", "gna"], USAGE, "gna"),
    (PLAN, ["--model", "gan", "--normal-class", "12"], USAGE, "12"),
    (PLAN, ["--model", "gan", "--seeds", "0"], USAGE, "--seeds"),
    (PLAN, ["--model", "gan", "--jobs", "0"], USAGE, "--jobs"),
    (PLAN, ["--model", "gan", "--epochs", "-1"], USAGE, "epochs"),
    (PLAN, ["--study", "gone.json"], IO, "gone.json"),
    (PLAN, ["--config", "gone.json"], IO, "gone.json"),
    # detect: arguments
    (DETECT, [], USAGE, "--model"),
    (DETECT, ["photo.png"], USAGE, "--model"),
    (DETECT, ["--model", "run"], USAGE, "images"),
    (DETECT, ["--model", "run", "photo.png", "--no-such-flag"], USAGE, "no-such-flag"),
    (DETECT, ["--model", "run", "photo.png", "--json", "--csv"], USAGE, "--json"),
    (DETECT, ["--model", "run", "photo.png", "--threshold"], USAGE, "--threshold"),
    (DETECT, ["--model", "run", "photo.png", "--threshold", "high"], USAGE, "--threshold"),
    (DETECT, ["--model", "run", "photo.png", "--threshold", "nan"], USAGE, "--threshold is not finite"),
    (DETECT, ["--model", "run", "photo.png", "--threshold", "inf"], USAGE, "--threshold is not finite"),
    (DETECT, ["--model", "run", "photo.png", "--target-fpr", "1.5"], USAGE, "--target-fpr"),
    (DETECT, ["--model", "run", "photo.png", "--target-fpr", "-0.1"], USAGE, "--target-fpr"),
    (DETECT, ["--model", "run", "photo.png", "--target-fpr", "nan"], USAGE, "--target-fpr"),
    (DETECT, ["--model", "run", "photo.png", "--target-fpr", "0.1", "--threshold", "1"], USAGE, "--target-fpr"),
    (DETECT, ["--model", "run", "photo.png", "--on-bad-image", "ignore"], USAGE, "--on-bad-image"),
    (DETECT, ["--model", "run", "photo.png", "--device", "tpu"], USAGE, "--device"),
    (DETECT, ["--model", "run", "photo.png", "--threads", "-1"], USAGE, "--threads"),
    (DETECT, ["--model", "run", "photo.png", "--follow"], USAGE, "--follow watches one folder"),
    (DETECT, ["--model", "run", "photos", "photos", "--follow"], USAGE, "--follow watches one folder"),
    (DETECT, ["--model", "run", "-", "--follow"], USAGE, "--follow watches one folder"),
    (DETECT, ["--model", "run", "nowhere", "--follow"], USAGE, "--follow watches one folder"),
    (DETECT, ["--model", "knn", "photo.png", "--heatmap", "maps"], USAGE, "knn makes no reconstruction"),
    # detect: images
    (DETECT, ["--model", "run", "gone.png"], IO, "gone.png"),
    (DETECT, ["--model", "run", "empty"], DATA, "empty: holds no .png, .jpg or .jpeg"),
    (DETECT, ["--model", "run", "empty.png"], DATA, "empty.png: is empty"),
    (DETECT, ["--model", "run", "text.png"], DATA, "text.png: is neither a PNG nor a JPEG"),
    (DETECT, ["--model", "run", "cut.png"], DATA, "cut.png: is a corrupt or truncated PNG"),
    (DETECT, ["--model", "run", "cut.jpg"], DATA, "cut.jpg: is a corrupt or truncated JPEG"),
    (DETECT, ["--model", "run", "cmyk.jpg"], DATA, "CMYK"),
    (DETECT, ["--model", "run", "huge.png"], DATA, "make it smaller"),
    # detect: the run
    (DETECT, ["--model", "nowhere", "photo.png"], USAGE, "nowhere is not a folder"),
    (DETECT, ["--model", "photo.png", "photo.png"], USAGE, "photo.png is not a folder"),
    (DETECT, ["--model", "photos", "photo.png"], USAGE, "holds no run"),
    (DETECT, ["--model", "random", "photo.png"], USAGE, "model random"),
    (DETECT, ["--model", "unfinished", "photo.png"], USAGE, "unfinished"),
    (DETECT, ["--model", "no-weights", "photo.png"], IO, "no-weights/weights.safetensors"),
    (DETECT, ["--model", "cut-weights", "photo.png"], CHECKPOINT, "cut-weights/weights.safetensors"),
    (DETECT, ["--model", "other-weights", "photo.png"], CHECKPOINT, "other-weights/weights.safetensors"),
    (DETECT, ["--model", "other-width", "photo.png"], CHECKPOINT, "other-width/weights.safetensors"),
    (DETECT, ["--model", "bad-config", "photo.png"], USAGE, "bad-config/config.json"),
    (DETECT, ["--model", "bad-size", "photo.png"], USAGE, "--size"),
    (DETECT, ["--model", "bad-summary", "photo.png"], DATA, "bad-summary/summary.json"),
    (DETECT, ["--model", "no-validation", "photo.png"], IO, "no-validation/validation.csv"),
    (DETECT, ["--model", "bad-validation", "photo.png"], DATA, "bad-validation/validation.csv:2"),
    # detect: where it writes
    (DETECT, ["--model", "run", "photo.png", "--heatmap", "photo.png/maps"], IO, "photo.png/maps"),
    (DETECT, ["--model", "run", "photo.png", "--heatmap", "/proc/nowhere"], IO, "/proc/nowhere"),
    (DETECT, ["--model", "run", "photo.png", "--npy", "photo.png/arrays"], IO, "photo.png/arrays"),
    # exports
    (ONNX, [], USAGE, "--model"),
    (ONNX, ["--model", "nowhere"], USAGE, "nowhere is not a folder"),
    (ONNX, ["--model", "knn"], USAGE, "knn has no network"),
    (ONNX, ["--model", "unfinished"], USAGE, "unfinished"),
    (ONNX, ["--model", "cut-weights"], CHECKPOINT, "cut-weights/weights.safetensors"),
    (NPY, ["--model", "run"], USAGE, "--out"),
    (NPY, ["--model", "run", "--out", "nowhere/deep"], IO, "nowhere/deep"),
    (NPY, ["--model", "run", "--out", ".", "--data", "nowhere"], IO, "nowhere"),
    (NPY, ["--model", "other-weights", "--out", "."], CHECKPOINT, "other-weights/weights.safetensors"),
]


class Misuse(Case):
    def copy_of_run(self, name, file, edit):
        shutil.copytree(self.path("run"), self.path(name))
        path = pathlib.Path(self.path(name, file))
        content = edit(path.read_bytes())
        path.unlink()
        if content is not None:
            path.write_bytes(content)

    def setUp(self):
        super().setUp()
        for model in ["dual_gan"], ["knn"], ["random"]:
            self.assert_ok(self.small("--model", *model, "--out", "run" if model == ["dual_gan"] else model[0], "--quiet"))
        settings = lambda **changes: lambda b: json.dumps(json.loads(b) | changes).encode()
        self.copy_of_run("unfinished", "summary.json", lambda b: None)
        self.copy_of_run("no-weights", "weights.safetensors", lambda b: None)
        self.copy_of_run("cut-weights", "weights.safetensors", lambda b: b[:-1])
        self.copy_of_run("other-weights", "weights.safetensors", lambda b: pathlib.Path(self.path("knn", "weights.safetensors")).read_bytes())
        self.copy_of_run("other-width", "config.json", settings(width=3))
        self.copy_of_run("bad-config", "config.json", settings(widht=3))
        self.copy_of_run("bad-size", "config.json", settings(size=48))
        self.copy_of_run("bad-summary", "summary.json", settings(threshold="high"))
        self.copy_of_run("no-validation", "validation.csv", lambda b: None)
        self.copy_of_run("bad-validation", "validation.csv", lambda b: b.replace(b"\n0,", b"\nx,", 1).replace(b",0,0,", b",0,2,").replace(b",1,", b",7,"))
        os.mkdir(self.path("empty"))
        pictures.fill(self.path("photos"), 2, False)
        image, _ = pictures.draw(1, False, size=(60, 60), mode="RGB")
        for name in "photo.png", "cut.png", "cut.jpg", "huge.png":
            image.save(self.path(name))
        image.convert("CMYK").save(self.path("cmyk.jpg"))
        for name in "cut.png", "cut.jpg":
            path = pathlib.Path(self.path(name))
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        Image.new("1", (20000, 20000)).save(self.path("huge.png"))
        pathlib.Path(self.path("empty.png")).touch()
        pathlib.Path(self.path("text.png")).write_text("no image at all")

    def test_each_is_one_line_and_an_exit_code(self):
        before = everything_in(self.folder)
        for program, arguments, code, part in TABLE:
            with self.subTest(program=program, arguments=arguments):
                done = subprocess.run([os.environ[program.upper()], *arguments], capture_output=True, text=True, timeout=60,
                                      cwd=self.folder, stdin=subprocess.DEVNULL)
                self.assert_refused(done, code, part, program=program)
                self.assertEqual(everything_in(self.folder), before)


if __name__ == "__main__":
    unittest.main()
