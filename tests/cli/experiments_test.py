"""Plans of runs, as people run them: tables, restarting, failures, and several processes on one plan."""
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from harness import Case, digest, everything_in, read_csv, read_json

PLANNER = os.environ["RUN_EXPERIMENTS"]
# Columns of results.csv, and their keys in summary.json.
MEASURES = {"auroc": "auroc", "average_precision": "average_precision", "best_f1": "best_f1", "balanced_accuracy": "best_balanced_accuracy"}


class Plans(Case):
    SMALL = ["--width", "2", "--epochs", "2", "--batch-size", "8", "--clusters", "3", "--warmup", "2", "--validation", "0.25",
             "--components", "10", "--threads", "1"]
    LONG = ["--epochs", "60", "--sample-every", "100000"]  # seconds

    def flags(self, *arguments):
        return ["--data", self.data, "--out", "plan", *self.SMALL, *map(str, arguments)]

    def plan(self, *arguments, launcher=()):
        return subprocess.run([*launcher, PLANNER, *self.flags(*arguments)], capture_output=True, text=True, timeout=240, cwd=self.folder)

    def start(self, *arguments):
        process = subprocess.Popen([PLANNER, *self.flags(*arguments)], cwd=self.folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def wait_for(self, pattern, seconds=60):
        for _ in range(seconds * 100):
            if found := sorted(pathlib.Path(self.path("plan")).glob(pattern)):
                return found
            time.sleep(0.01)
        self.fail(f"no {pattern} in {everything_in(self.path('plan'))}")

    def refused(self, done, code, *parts):
        self.assertEqual(done.returncode, code, done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        for part in ["run_experiments: ", *parts]:
            self.assertIn(part, lines[0])

    def ran(self, text):
        """The runs that a process says it finished."""
        return [line.split(": AUROC")[0].split()[-1] for line in text.splitlines() if ": AUROC" in line]


class Tables(Plans):
    def test_results_are_those_of_the_runs(self):
        from scipy import stats

        self.assert_ok(self.plan("--model", "knn,dual_gan", "--normal-class", "0,3", "--seeds", "2"))
        rows = read_csv(self.path("plan", "results.csv"))
        self.assertEqual(list(rows[0]), ["model", "class", "seed", *MEASURES, *[f"auroc_vs_{k}" for k in range(10)], "seconds", "config"])
        self.assertEqual([(r["model"], r["class"], r["seed"]) for r in rows],
                         [(m, c, s) for s in "01" for c in "03" for m in ("knn", "dual_gan")])
        for r in rows:
            summary = read_json(self.path("plan", "runs", f"{r['model']}-c{r['class']}-s{r['seed']}", "summary.json"))
            for column, key in MEASURES.items():
                self.assertAlmostEqual(float(r[column]), summary[key], places=8)
            for k in range(10):
                self.assertAlmostEqual(float(r[f"auroc_vs_{k}"] or -1), summary["auroc_per_class"].get(str(k), -1), places=8)
            self.assertEqual(r["config"].split()[0], "epochs=2")
        text = pathlib.Path(self.path("plan", "results.md")).read_text()
        area = lambda c, s: next(float(r["auroc"]) for r in rows if (r["model"], r["class"], r["seed"]) == ("dual_gan", c, s))
        over_classes = [(area("0", s) + area("3", s)) / 2 for s in "01"]
        cells = []
        for values in over_classes, [area("0", "0"), area("0", "1")], [area("3", "0"), area("3", "1")]:
            mean = sum(values) / 2
            cells.append(f"{mean:.4f} ± {stats.t.ppf(0.975, 1) * stats.sem(values):.4f}")
        self.assertIn(f"| dual_gan | {cells[0]} |", text)
        self.assertIn(f"| dual_gan | {cells[1]} | {cells[2]} |", text)
        page = pathlib.Path(self.path("plan", "results.html")).read_text()
        for part in "Mean over classes and seeds", "Validation AUROC", "Total training loss", "normal class by anomaly class", 'class="whisker"', cells[0]:
            self.assertIn(part, page)
        for outside in "http:", "https:", "<script", "src=", "@import", "url(":
            self.assertNotIn(outside, page)

    def test_a_study_with_a_held_out_class(self):
        pathlib.Path(self.path("study.json")).write_text(
            '{"title": "Unseen", "about": "x", "model": "dual_gan", "variants": {"seen": {}, "without-1": {"hold_out": [1]}, "without-2": {"hold_out": [2]}}}')
        self.assert_ok(self.plan("--study", "study.json", "--normal-class", "0,1"))
        vs = {name: read_json(self.path("plan", "runs", name, "summary.json"))["auroc_per_class"] for name in os.listdir(self.path("plan", "runs"))}
        self.assertEqual(sorted(vs), ["seen-c0-s0", "seen-c1-s0", "without-1-c0-s0", "without-2-c0-s0", "without-2-c1-s0"])
        text = pathlib.Path(self.path("plan", "results.md")).read_text()
        cell = lambda run, k: f"{vs[run][k]:.4f} ({vs['seen' + run[9:]][k]:.4f})"
        self.assertIn(f"| 1 | {cell('without-1-c0-s0', '1')} | – |", text)
        self.assertIn(f"| 2 | {cell('without-2-c0-s0', '2')} | {cell('without-2-c1-s0', '2')} |", text)
        self.assertIn("hold_out=[1]", pathlib.Path(self.path("plan", "results.csv")).read_text())

    def test_systems_as_configuration_files(self):
        pathlib.Path(self.path("mine.json")).write_text('{"model": "knn", "neighbours": 2}')
        self.assert_ok(self.plan("--config", "mine.json", "--normal-class", "0", "--quiet"))
        self.assertEqual(read_json(self.path("plan", "runs", "mine-c0-s0", "config.json"))["neighbours"], 2)


class Restarting(Plans):
    def test_finished_runs_are_left_alone(self):
        self.assert_ok(self.plan("--model", "knn", "--normal-class", "0,1"))
        before = {n: os.stat(self.path("plan", "runs", n, "summary.json")).st_mtime_ns for n in os.listdir(self.path("plan", "runs"))}
        done = self.plan("--model", "knn,random", "--normal-class", "0,1")
        self.assert_ok(done)
        self.assertEqual(self.ran(done.stderr), ["random-c0-s0", "random-c1-s0"])
        for name, time_of_change in before.items():
            self.assertEqual(os.stat(self.path("plan", "runs", name, "summary.json")).st_mtime_ns, time_of_change)

    def test_interrupted_runs_go_on_and_end_with_the_same_bits(self):
        self.assert_ok(self.plan("--model", "dual_gan", "--normal-class", "0", *self.LONG, "--quiet"))
        os.rename(self.path("plan"), self.path("whole"))
        process = self.start("--model", "dual_gan,random", "--normal-class", "0", *self.LONG)
        self.wait_for("runs/dual_gan-c0-s0/state.safetensors")
        process.send_signal(signal.SIGINT)
        self.assertIn("interrupted", process.communicate(timeout=60)[1])
        self.assertEqual(process.returncode, 130)
        self.assertEqual(os.listdir(self.path("plan", "claims")), [])
        self.assertNotIn("runs/dual_gan-c0-s0/summary.json", everything_in(self.path("plan")))
        self.assertFalse(os.path.exists(self.path("plan", "results.csv")))
        self.assert_ok(self.plan("--model", "dual_gan,random", "--normal-class", "0", *self.LONG))
        log = pathlib.Path(self.path("plan", "runs", "dual_gan-c0-s0", "train.log")).read_text()
        self.assertIn("resumed at step", log)
        for name in "weights.safetensors", "scores.csv":
            self.assertEqual(digest(self.path("plan/runs/dual_gan-c0-s0", name)), digest(self.path("whole/runs/dual_gan-c0-s0", name)))

    def test_another_plan_in_the_same_folder_is_refused(self):
        self.assert_ok(self.plan("--model", "knn", "--normal-class", "0"))
        self.refused(self.plan("--model", "knn", "--normal-class", "0", "--neighbours", "3"), 2, "neighbours", "--out")


class Failures(Plans):
    DIVERGES = ["--lr", "10", "--weight-decay", "1", "--warmup", "0", "--schedule", "constant", "--epochs", "50"]

    def test_a_failed_run_does_not_stop_the_others(self):
        done = self.plan("--model", "cnn,random,knn", "--normal-class", "0", *self.DIVERGES)
        self.assertEqual(done.returncode, 8, done.stderr)
        self.assertEqual(self.ran(done.stderr), ["random-c0-s0", "knn-c0-s0"])
        self.assertIn("run_experiments: cnn-c0-s0 failed: exit code 5: training diverged", done.stderr)
        self.assertIn("1 of 3 runs failed", done.stderr)
        self.assertEqual([r["model"] for r in read_csv(self.path("plan", "results.csv"))], ["random", "knn"])
        self.assertIn("| cnn | – |", pathlib.Path(self.path("plan", "results.md")).read_text())
        again = self.plan("--model", "cnn,random,knn", "--normal-class", "0", *self.DIVERGES)
        self.assertEqual((again.returncode, self.ran(again.stderr)), (8, []))
        self.assertNotIn("plan cnn", again.stderr)

    def test_retry_runs_what_failed(self):
        os.makedirs(self.path("plan", "failed"))
        pathlib.Path(self.path("plan", "failed", "knn-c0-s0")).write_text("exit code 6: no memory\n")
        done = self.plan("--model", "knn", "--normal-class", "0")
        self.assertEqual(done.returncode, 8)
        self.assertIn("no memory", done.stderr)
        self.assert_ok(self.plan("--model", "knn", "--normal-class", "0", "--retry"))

    def test_a_run_that_is_killed_is_a_failure(self):
        process = self.start("--model", "dual_gan,random", "--normal-class", "0", *self.LONG)
        self.wait_for("runs/dual_gan-c0-s0/metrics.csv")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        self.assertEqual(len(children), 1)
        os.kill(int(children[0]), signal.SIGKILL)
        error = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 8)
        self.assertIn("dual_gan-c0-s0 failed: killed by signal 9", error)
        self.assertEqual(self.ran(error), ["random-c0-s0"])

    def test_bad_input(self):
        for flags, code, part in [
            (["--model", "resnet"], 2, "dual_gan"),
            (["--normal-class", "some"], 2, "some"),
            (["--normal-class", "0,0"], 2, "twice"),
            (["--seeds", "0"], 2, "--seeds"),
            (["--jobs", "0"], 2, "--jobs"),
            (["--study", "gone.json"], 7, "gone.json"),
            (["--config", "gone.json"], 7, "gone.json"),
            (["--model", "knn", "--study", "gone.json"], 2, "one of"),
            (["--model", "knn,knn"], 2, "two variants"),
            (["--model", "cnn", "--lr", "-1"], 2, "variant cnn: --lr"),
            (["--no-such-flag"], 2, "no-such-flag"),
            (["--seed", "3"], 2, "--seed"),
        ]:
            with self.subTest(flags):
                self.refused(self.plan(*flags), code, part)
                self.assertFalse(os.path.exists(self.path("plan")))
        pathlib.Path(self.path("plan")).write_text("mine")
        self.refused(self.plan("--model", "knn"), 7, "plan")


class Sharing(Plans):
    RUNS = sorted(f"{m}-c{c}-s0" for m in ("dual_gan", "knn", "random") for c in range(4))

    def share(self, processes):
        return [self.ran(p.communicate(timeout=120)[1]) for p in processes]

    def test_processes_share_a_plan(self):
        for count in 2, 3:
            shutil.rmtree(self.path("plan"), ignore_errors=True)
            flags = ["--model", "dual_gan,knn,random", "--normal-class", "0,1,2,3", "--epochs", "6"]
            processes = [self.start(*flags) for _ in range(count)]
            ran = self.share(processes)
            self.assertEqual([p.returncode for p in processes], [0] * count)
            self.assertEqual(sorted(sum(ran, [])), self.RUNS)  # each run once
            self.assertTrue(all(ran), ran)  # nobody was idle
            self.assertEqual(len(read_csv(self.path("plan", "results.csv"))), 12)
            self.assertEqual(os.listdir(self.path("plan", "claims")), [])

    def test_the_run_of_a_killed_process_is_taken_over_and_continued(self):
        flags = ["--model", "dual_gan", "--normal-class", "0", *self.LONG]
        self.assert_ok(self.plan(*flags, "--quiet"))
        os.rename(self.path("plan"), self.path("whole"))
        for count in 2, 3:
            shutil.rmtree(self.path("plan"), ignore_errors=True)
            victim = self.start(*flags)
            self.wait_for("runs/dual_gan-c0-s0/state.safetensors")
            others = [self.start(*flags) for _ in range(count - 1)]
            victim.kill()
            victim.communicate()
            ran = self.share(others)
            self.assertEqual([p.returncode for p in others], [0] * (count - 1))
            self.assertEqual(sorted(sum(ran, [])), ["dual_gan-c0-s0"])
            self.assertIn("resumed at step", pathlib.Path(self.path("plan/runs/dual_gan-c0-s0/train.log")).read_text())
            for name in "weights.safetensors", "scores.csv":
                self.assertEqual(digest(self.path("plan/runs/dual_gan-c0-s0", name)), digest(self.path("whole/runs/dual_gan-c0-s0", name)))

    def test_the_runs_of_a_killed_process_die_with_it(self):
        process = self.start("--model", "dual_gan", "--normal-class", "0", *self.LONG)
        self.wait_for("runs/dual_gan-c0-s0/metrics.csv")
        child = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        process.kill()
        process.communicate()
        for _ in range(500):
            if not os.path.exists(f"/proc/{child}") or "\nState:\tZ" in pathlib.Path(f"/proc/{child}/status").read_text():
                return
            time.sleep(0.01)
        self.fail("the run outlives its planner")

    def test_several_jobs_at_once(self):
        done = self.plan("--model", "dual_gan,knn,random", "--normal-class", "0,1,2,3", "--jobs", "3")
        self.assert_ok(done)
        self.assertEqual(sorted(self.ran(done.stderr)), self.RUNS)

    @unittest.skipUnless(shutil.which("mpirun"), "Open MPI is not installed")
    def test_ranks_of_open_mpi_share_a_plan(self):
        for count in 2, 3:
            shutil.rmtree(self.path("plan"), ignore_errors=True)
            done = self.plan("--model", "dual_gan,knn,random", "--normal-class", "0,1,2,3", "--epochs", "6",
                             launcher=["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(count)])
            self.assert_ok(done)
            self.assertEqual(sorted(self.ran(done.stderr)), self.RUNS)
            for rank in range(count):
                self.assertIn(f"rank {rank}: ", done.stderr)
            self.assertEqual(done.stdout.count("results.csv"), 1)  # one rank makes the tables


if __name__ == "__main__":
    unittest.main()
