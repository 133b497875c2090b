#!/usr/bin/env bash
# Measures Snag on this machine's CPU beside its peers and writes one page of results; see --help.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: bench/cpu_report.sh [--build FOLDER] [--threads N] [--out FILE]

Runs everything that is said of the CPU, in about 10 minutes on two cores that do nothing else:
  steps       training and scoring beside the same model in PyTorch (bench/peers/compare.py)
  behaviour   threads, a core taken by another process, start-up and memory (bench/peers/behaviour.py)
  transposed  the decoder's convolutions beside PyTorch (bench/peers/transposed.py)
  kernels     every kernel beside oneDNN and OpenBLAS (cpu_kernel_bench)

Each part has a time limit, as a peer whose threads wait for each other may stand still where other processes work: a part
that reaches it keeps the rows that it has, and the page says so.

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

# An inherited choice of OpenBLAS's kernels may be one of another machine; where it has none for this one, the nearest.
unset OPENBLAS_CORETYPE
core=$(/usr/bin/python3 bench/peers/openblas.py)
[ -z "$core" ] || export OPENBLAS_CORETYPE=$core
export TMPDIR=$work
openmp_blas=/usr/lib/x86_64-linux-gnu/openblas-openmp

# part NAME SECONDS COMMAND...
part() {
  local name=$1 most=$2 began=$SECONDS status=0
  shift 2
  timeout -k 5 "$most" "$@" >"$work/$name" || status=$?
  case $status in
    0) ;;
    124 | 137) printf '\nStopped after %d s: the rest is missing.\n' "$most" >>"$work/$name" ;;
    *) echo "cpu_report.sh: $name failed: $*" >&2 && exit 1 ;;
  esac
  echo "$name: $((SECONDS - began)) s" >&2
}

# peer NAME SECONDS SCRIPT ARGUMENT...
peer() { part "$1" "$2" /usr/bin/python3 "bench/peers/$3.py" "${@:4}" --threads "$threads"; }
step_bench=$build/bench/step_bench kernel_bench=$build/bench/cpu_kernel_bench

peer training 180 compare "$step_bench" - --what train --batch 2,16,128 --rounds 3 --least 3
peer scoring 120 compare "$step_bench" - --what score --batch 1,256 --rounds 3 --least 3
peer behaviour 130 behaviour "$step_bench" - --batch 16,128 --rounds 2 --least 3
peer transposed 140 transposed "$kernel_bench" --batch 1,64
# One OpenMP for oneDNN and OpenBLAS.
export LD_LIBRARY_PATH=$openmp_blas${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
declare -A limit=([0,1]=40 [16]=40 [64]=50 [256]=110)
for batch in 0,1 16 64 256; do
  part "kernels-$batch" "${limit[$batch]}" "$kernel_bench" --threads "$threads" --batch "$batch" --patience 10
done

write_page() {
  local commit torch
  commit=$(git rev-parse --short HEAD)$(git diff --quiet HEAD -- . || echo ", with changes that are not committed")
  torch=$(/usr/bin/python3 -c 'import torch; print(torch.__version__)')
  cat <<END
# dual_gan and its kernels on a CPU: $cpu

    bench/cpu_report.sh

$(date +%Y-%m-%d), commit $commit, $threads threads, $(nproc) cores, Linux $(uname -r | cut -d- -f1), PyTorch $torch;
the other libraries are named with the kernels. Base width 64, images of 32x32, float32.

## In short

$(grep -h '^- ' "$work/transposed" "$work/kernels-0,1" "$work"/kernels-{16,64,256})

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

$(for batch in 0,1 16 64 256; do grep -v '^- ' "$work/kernels-$batch"; done)
END
}
write_page >"$work/page"
mkdir -p "$(dirname "$out")"
cp "$work/page" "$out"
echo "$out: $SECONDS s in all" >&2
