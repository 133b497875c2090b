"""Completion, manual pages, suggestions, doctor."""
import os
import re
import shutil
import subprocess
import unittest

from harness import PROGRAM, Case, make_data

PROGRAMS = {name: os.environ[name.upper()] for name in ("train_gan", "detect", "run_experiments", "export_onnx", "export_npy")}


def flags_in_help(program):
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  (--[a-z0-9-]+)", text, re.M))


class Completion(Case):
    def output(self, *arguments):
        done = subprocess.run(list(arguments), capture_output=True, text=True, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def script(self, name, shell):
        path = self.path(f"{name}.{shell}")
        with open(path, "w") as file:
            file.write(self.output(PROGRAMS[name], "--completion", shell))
        return path

    def completed_by_bash(self, name, *words):
        line = " ".join(f"'{w}'" for w in (name, *words))
        return self.output("bash", "-c", f"source {self.script(name, 'bash')}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _{name}; "
                           'printf "%s\\n" "${COMPREPLY[@]}"').split()

    def test_bash(self):
        self.assertEqual(self.completed_by_bash("train_gan", "--model", "d"), ["dcgan", "dual_gan"])
        self.assertEqual(self.completed_by_bash("train_gan", "--ep"), ["--epochs"])
        self.assertEqual(self.completed_by_bash("train_gan", "do"), ["doctor"])
        self.assertEqual(self.completed_by_bash("train_gan", "--out", "da"), ["data"])
        self.assertEqual(self.completed_by_bash("train_gan", "--seed", ""), [])
        self.assertEqual(self.completed_by_bash("detect", "--on-bad-image", ""), ["fail", "skip"])
        for name, program in PROGRAMS.items():
            self.assertLessEqual(flags_in_help(program), set(self.completed_by_bash(name, "--")))

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        script = self.script("train_gan", "fish")
        ask = lambda line: {w.split("\t")[0] for w in self.output("fish", "-c", f"source {script}; complete -C '{line}'").splitlines()}
        self.assertIn("--epochs", ask("train_gan --ep"))
        self.assertLessEqual({"dcgan", "dual_gan"}, ask("train_gan --model d"))
        self.assertLessEqual(flags_in_help(PROGRAM), ask("train_gan --"))

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        """The real thing: a zsh in a terminal of its own, its completion listed by a key."""
        script = self.script("train_gan", "zsh")
        driver = f"""zmodload zsh/zpty; zpty z zsh -f
zpty -w z "PS1=; autoload -Uz compinit; compinit -D; source {script}; zstyle ':completion:*' list-prompt ''; LISTMAX=9999; stty columns 200; echo re''ady"
zpty -r z line '*ready*'
zpty -w -n z $'train_gan --model dual\\t --epo\\t'
sleep 1; zpty -w -n z $'7\\C-a: \\n'
sleep 0.5; zpty -w z "fc -ln -1; exit"
while zpty -r z line; do print -rn -- $line; done"""
        printed = self.output("zsh", "-f", "-c", driver)
        self.assertIn("train_gan --model dual_gan --epochs 7", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\x07\x08]", "", printed))

    def test_manual_pages(self):
        for name, program in PROGRAMS.items():
            page = self.output(program, "--man")
            with open(self.path(name + ".1"), "w") as file:
                file.write(page)
            plain = page.replace("\\-", "-")
            for flag in flags_in_help(program):
                self.assertIn(f"\\fB{flag}\\fR", plain)
            if shutil.which("man") and shutil.which("groff"):
                done = subprocess.run(["man", "--warnings=w", "-l", self.path(name + ".1")], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("OPTIONS", done.stdout)


class Suggestions(Case):
    def test_unknown_flags_and_keys(self):
        for flag, near in ("--epoch", "--epochs"), ("--batchsize", "--batch-size"), ("--modle=cnn", "--model"), ("--normal-clas", "--normal-class"):
            self.assert_refused(self.run_program(flag), 2, f"did you mean {near}?")
        done = self.run_program("--nothing-like-it")
        self.assert_refused(done, 2, "--nothing-like-it")
        self.assertNotIn("did you mean", done.stderr)
        with open(self.path("c.json"), "w") as file:
            file.write('{"batchsize": 8}')
        self.assert_refused(self.run_program("--config", "c.json"), 2, "did you mean batch_size?")


class Doctor(Case):
    def test_a_healthy_machine(self):
        done = self.run_program("doctor", "--data", self.data)
        self.assert_ok(done)
        for part in ["processor", "kernels", "memory", "GPU driver", "disk", "240 images, other than Fashion-MNIST", "the portable kernels", "all is well"]:
            self.assertIn(part, done.stdout)
        self.assertEqual(done.stderr, "")
        self.assertGreater(float(re.search(r"AUROC ([0-9.]+) on made-up", done.stdout)[1]), 0.9)

    @unittest.skipUnless(os.path.isdir("/usr/share/datasets/fashion-mnist"), "the package dataset-fashion-mnist is not installed")
    def test_the_checksums_of_the_real_data(self):
        done = self.run_program("doctor")
        self.assert_ok(done)
        self.assertEqual(done.stdout.count("the checksums of Fashion-MNIST"), 2)

    def test_damaged_data(self):
        make_data(self.path("bad"), packed=False)
        with open(self.path("bad", "t10k-labels-idx1-ubyte"), "ab") as file:
            file.write(b"x")
        done = self.run_program("doctor", "--data", "bad")
        self.assertEqual(done.returncode, 3)
        self.assertIn("t10k-labels", done.stderr)


if __name__ == "__main__":
    unittest.main()
