#!/usr/bin/env bash
# Measures Snag on this machine's CPU beside its peers and writes one page of results; see --help.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/cpu_report.sh [--build FOLDER] [--threads N] [--out FILE]

Runs everything that is said of the CPU, in under about 8 minutes, on a machine that does nothing else:
  steps       training and scoring beside the same model in PyTorch (bench/peers/compare.py)
  behaviour   threads, a core taken by another process, start-up and memory (bench/peers/behaviour.py)
  transposed  the decoder's convolutions beside PyTorch (bench/peers/transposed.py)
  kernels     every kernel beside oneDNN and OpenBLAS (cpu_kernel_bench)

FOLDER (build/release) holds a release build of step_bench and cpu_kernel_bench. FILE is bench/results/cpu-NAME.md by
default, where NAME is the processor's.
Exit code: 0 written, 1 a part failed and nothing was written, 2 usage.
END
}

bad_usage() { echo "cpu_report.sh: $1; see --help" >&2 && exit 2; }

build=build/release threads=$(nproc) out=
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --build | --threads | --out) [ $# -ge 2 ] || bad_usage "$1 takes a value" ;;&
    --build) build=$2 ;;
    --threads) threads=$2 ;;
    --out) out=$2 ;;
    *) bad_usage "unknown option $1" ;;
  esac
  shift 2
done
[[ $threads =~ ^[1-9][0-9]*$ ]] || bad_usage "--threads takes a number"
for program in step_bench cpu_kernel_bench; do
  [ -x "$build/bench/$program" ] || bad_usage "$build/bench/$program is not built"
done
grep -q '^CMAKE_BUILD_TYPE:STRING=Release' "$build/CMakeCache.txt" || bad_usage "$build is no release build"

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
[ -n "$out" ] || out=bench/results/cpu-$(sed -E 's/\([^)]*\)| CPU| Processor|@.*//g; s/[^A-Za-z0-9]+/-/g; s/^-|-$//g' <<<"$cpu" | tr '[:upper:]' '[:lower:]').md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An inherited choice of OpenBLAS's kernels may be one of another machine.
unset OPENBLAS_CORETYPE
openmp_blas=/usr/lib/x86_64-linux-gnu/openblas-openmp

# part NAME COMMAND...
part() {
  local name=$1 began=$SECONDS
  shift
  "$@" >"$work/$name" || { echo "cpu_report.sh: $name failed: $*" >&2 && exit 1; }
  echo "$name: $((SECONDS - began)) s" >&2
}

peers() { /usr/bin/python3 "bench/peers/$1.py" "${@:2}"; }
step_bench=$build/bench/step_bench kernel_bench=$build/bench/cpu_kernel_bench

training() { peers compare "$step_bench" - --threads "$threads" --what train --batch 2,16,128 --rounds 3 --seconds 1 --least 3; }
scoring() { peers compare "$step_bench" - --threads "$threads" --what score --batch 1,256 --rounds 3 --seconds 1 --least 3; }
behaviour() { peers behaviour "$step_bench" - --threads "$threads" --batch 16,128 --rounds 2 --least 3; }
transposed() { peers transposed "$kernel_bench" --threads "$threads" --batch 1,64 --rounds 3; }
# One OpenMP for oneDNN and OpenBLAS.
kernels() { LD_LIBRARY_PATH=$openmp_blas${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$kernel_bench" --threads "$threads"; }

part training training
part scoring scoring
part behaviour behaviour
part transposed transposed
part kernels kernels

write_page() {
  local commit torch
  commit=$(git rev-parse --short HEAD)$(git diff --quiet HEAD -- . || echo ", with changes that are not committed")
  torch=$(/usr/bin/python3 -c 'import torch; print(torch.__version__)')
  cat <<END
# dual_gan and its kernels on a CPU: $cpu

    bench/cpu_report.sh

$(date +%Y-%m-%d), commit $commit, $threads threads, $(nproc) cores, Linux $(uname -r), PyTorch $torch; the other libraries are
named with the kernels. Base width 64, images of 32x32, float32.

## In short

$(grep -h '^- ' "$work/transposed" "$work/kernels")

## Training steps beside PyTorch

Half of the images of a step are normal, half anomalous.

$(cat "$work/training")

## Scoring beside PyTorch

$(cat "$work/scoring")

## Threads, a core taken away, start-up

$(cat "$work/behaviour")

## Transposed convolutions beside PyTorch

$(grep -v '^- ' "$work/transposed")

## Every kernel

$(grep -v '^- ' "$work/kernels")
END
}
write_page >"$work/page"
mkdir -p "$(dirname "$out")"
cp "$work/page" "$out"
echo "$out: $SECONDS s in all" >&2
