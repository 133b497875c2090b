"""Runs a test of this folder in the Python environment that scripts/python_packages.sh made; skips it where there is none."""
import os
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
environment = here.parents[1] / "build" / "python"
if not (environment / "complete").exists():
    print(f"skipped: {environment} is not there; scripts/python_packages.sh makes it where pip can install")
    sys.exit(77)
os.environ["PYTHONPATH"] = str(here.parent / "cli")
python = str(environment / "bin" / "python")
os.execv(python, [python, str(here / sys.argv[1]), *sys.argv[2:]])
