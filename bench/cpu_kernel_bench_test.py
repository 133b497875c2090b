"""cpu_kernel_bench at a tiny size: it times every kernel of kernels/kernels.h, its JSON holds positive numbers, and bad
options are refused.

usage: cpu_kernel_bench_test.py CPU_KERNEL_BENCH
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
TINY = ["--width", "4", "--batch", "0,1,3", "--repeats", "2", "--least-us", "0", "--patience", "0", "--threads", "2"]


def kernels():
    """The names in the list of kernels."""
    text = (pathlib.Path(__file__).resolve().parent.parent / "kernels/kernels.h").read_text()
    return set(re.findall(r"\w+", re.search(r"std::variant<(.*?)>;", text, re.S)[1]))


def check_numbers(report):
    for when in "before", "after":
        for name, value in report["ceilings_" + when].items():
            assert value > 0, f"{when}: {name} is {value}"
    for row in report["rows"]:
        for key in "bytes", "gigabytes_per_second", "percent_of_bound":
            assert row[key] > 0, f"{key} is {row[key]}: {row}"
        assert row["snag"]["microseconds"] > 0 and row["snag"]["repeats"] >= 2, row
        assert row["portable_microseconds"] > 0 and row["portable_error"] <= 1e-6, row
        if row["peer"]:
            assert row["ratio"] > 0 and row["peer_error"] <= 1e-6, row


def check_coverage(report):
    timed, known = {row["kernel"] for row in report["rows"]}, kernels()
    assert timed == known, f"without a case in bench/: {known - timed}; not in kernels.h: {timed - known}"
    convolutions = [row for row in report["rows"] if row["kernel"].startswith("Conv") and row["flops"] > 0]
    assert len(convolutions) == 2 * 27, len(convolutions)  # nine shapes, three passes, two batches
    if report["onednn"].startswith("oneDNN"):
        assert all(row["peer"].startswith("oneDNN") for row in convolutions)
        assert report["summary"][0]["convolutions_against_onednn"]["rows"] == 27, report["summary"]
    assert [part["batch"] for part in report["summary"]] == [1, 3]


def check_markdown(text):
    rows = [line for line in text.splitlines() if line.startswith("| ConvDown")]
    assert rows and all(line.count("|") == 15 for line in rows), text
    assert "- body layers, nominal GFLOP/s over the FMA peak, batch 3" in text, text


def check_refusals():
    for bad in ["--frob"], ["--width", "0"], ["--batch", "x"], ["--only", "no such kernel"]:
        done = subprocess.run([PROGRAM, *bad], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2, f"{bad}: exit code {done.returncode}"
        assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("cpu_kernel_bench: "), done.stderr


with tempfile.TemporaryDirectory() as folder:
    path = folder + "/kernels.json"
    done = subprocess.run([PROGRAM, *TINY, "--json", path], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.load(open(path))
check_numbers(report)
check_coverage(report)
check_markdown(done.stdout)
check_refusals()
print(f"{len(report['rows'])} cases, {report['onednn']}, {report['openblas']}")
