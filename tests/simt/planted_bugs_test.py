"""Every planted bug is found by at least one build, with the words that tell what it is; its correct twin by none.

usage: planted_bugs_test.py PLAIN ASAN TSAN [NAME...]   (programs built from simt_bug.cpp)
"""
import os
import subprocess
import sys

programs = dict(zip(("plain", "asan", "tsan"), sys.argv[1:4]))
chosen = sys.argv[4:]
environment = {**os.environ, "TSAN_OPTIONS": "atexit_sleep_ms=0"}  # otherwise a second for each


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, env=environment)
    return done.returncode, done.stdout


def examine(name, sign):
    """The builds that find the bug, and what is wrong with that."""
    found, sign_seen, faults = [], False, []
    for build, program in programs.items():
        code, output = run(program, name, "bug")
        if code != 0:
            found.append(build)
            sign_seen |= sign in output
        code, output = run(program, name, "good")
        if code != 0 or output:
            faults.append(f"{build} says of the correct kernel (exit {code}):\n{output[:2000]}")
    if not sign_seen:
        faults.append(f"no build said '{sign}'")
    return found, faults


code, listing = run(programs["plain"], "--list")
assert code == 0, listing
bugs = [line.split("\t") for line in listing.splitlines()]
assert len(bugs) >= 30, f"only {len(bugs)} planted bugs"
failed = 0
for name, sign in bugs:
    if chosen and name not in chosen:
        continue
    found, faults = examine(name, sign)
    print(f"{name:28s} {', '.join(found) or 'NOT FOUND':20s} {sign}", flush=True)
    for fault in faults:
        print("  FAILED:", fault)
    failed += bool(faults)
sys.exit(f"{failed} of {len(bugs)} failed" if failed else 0)
