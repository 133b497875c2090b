#!/usr/bin/env bash
# Builds Snag for this machine's NVIDIA GPU and checks it there; see --help.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

usage() {
  cat <<'END'
usage: scripts/gpu_check.sh [--limit SECONDS]

Checks the CUDA backend on this machine's NVIDIA GPU, without a network:
  configure, build   the preset gpu, for the card found; Ninja where it is installed, Make otherwise
  tests              every test labelled gpu; one that skips itself is a failure here
  memcheck, racecheck, initcheck, synccheck
                     compute-sanitizer on a part of cuda_tests, where the tool is
  train PRECISION    train_gan --device cuda on Fashion-MNIST, one epoch
  equal runs         five such runs of one seed must end with the same weights, by SHA-256
  steps, kernels     step_bench and kernel_bench
  torch, torch eager, torch.compile
                     the same training step in PyTorch, where that is: captured in a graph; launched by Python, at the
                     smallest batch; compiled

What checks runs side by side, then what measures, each alone. Each part has a time limit, and reports PASS, FAIL or SKIP
and its seconds; none stops the others. The table comes last.
A part for which no time is left is a failure: it was not checked. All parts together take at most 470 seconds, or as
--limit says. Benchmarks pass by ending well; their figures are for people to judge.

Writes build/gpu_check.json, build/gpu_check.log and build/gpu_kernels.json; into $OUT instead where that is set.
Exit code: 0 no part failed, 1 one did, 2 usage, 77 no NVIDIA GPU here.
END
}

limit=470
case "${1:-}" in
  -h | --help) usage && exit 0 ;;
  --limit) limit=${2:-} ;;
  "") ;;
  *) usage >&2 && exit 2 ;;
esac
[[ $limit =~ ^[1-9][0-9]*$ ]] || { echo "gpu_check.sh: --limit takes seconds" >&2 && exit 2; }

nvidia_smi=${NVIDIA_SMI:-nvidia-smi}
if ! gpu=$("$nvidia_smi" --query-gpu=name,compute_cap,driver_version --format=csv,noheader 2>/dev/null) || [ -z "$gpu" ]; then
  echo "gpu_check.sh: no NVIDIA GPU on this machine: skipped"
  exit 77
fi
gpu=${gpu%%$'\n'*}
export gpu

PATH=$PATH:/usr/local/cuda/bin
export build=build/gpu out=${OUT:-build}
mkdir -p build "$out" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export work
log=$out/gpu_check.log
: >"$log"
deadline=$((SECONDS + limit))
names=() states=() times=() notes=()

# begin NAME SECONDS COMMAND...: runs one part in the background, within the time that is left.
begin() {
  local name=$1 most=$2 left=$((deadline - SECONDS))
  shift 2
  echo "== $name"
  names+=("$name")
  if [ "$left" -lt 5 ]; then
    echo "not run: no time left" >"$work/$name.txt"
    echo "1 0" >"$work/$name.end"
    return
  fi
  [ "$most" -le "$left" ] || most=$left
  (
    began=$SECONDS
    # shellcheck disable=SC2016  # the inner shell expands it
    timeout -k 5 "$most" bash -o pipefail -c '"$@"' part "$@" >"$work/$name.txt" 2>&1
    status=$?
    case $status in 124 | 137) echo "stopped after $most seconds, its limit" >>"$work/$name.txt" ;; esac
    echo "$status $((SECONDS - began))" >"$work/$name.end"
  ) &
}

# Waits for the parts that were begun, and takes down how each ended: the last line that it printed is its note.
collect() {
  local name text status seconds state note
  wait
  for name in "${names[@]:${#states[@]}}"; do
    text=$work/$name.txt
    read -r status seconds <"$work/$name.end"
    case $status in
      0) state=PASS ;;
      77) state=SKIP ;;
      *) state=FAIL ;;
    esac
    note=$(grep -v '^[[:space:]]*$' "$text" | tail -n 1 | cut -c 1-160)
    [ -n "$note" ] || [ "$state" = PASS ] || note="exit code $status, without a word"
    { echo "== $name: $state" && cat "$text"; } >>"$log"
    [ "$state" = FAIL ] && tail -n 25 "$text"
    states+=("$state") times+=("$seconds") notes+=("$note")
  done
}

# part NAME SECONDS COMMAND...: runs one part, alone.
part() { begin "$@" && collect; }

# ---- the parts

# A machine code that CMake cannot find out by itself is asked of the driver.
configure() {
  local generator=() capability
  command -v ninja >/dev/null && generator=(-G Ninja)
  cmake --preset gpu "${generator[@]}" -DSNAG_TESTS=ON -DSNAG_BENCH=ON && echo "$gpu" && return 0
  capability=$(cut -d, -f2 <<<"$gpu" | tr -d ' .')
  rm -rf "$build/CMakeCache.txt" "$build/CMakeFiles"
  cmake --preset gpu "${generator[@]}" -DCMAKE_CUDA_ARCHITECTURES="$capability" && echo "$gpu; by compute capability"
}

# Goes on after an error, so that the parts whose programs were built can still run.
build_all() {
  [ -e "$build/CMakeCache.txt" ] || { echo "not configured" && return 77; }
  local keep_going=(-k)
  [ -e "$build/build.ninja" ] && keep_going=(-k 0)
  cmake --build "$build" --parallel "$(nproc)" --target cuda_tests train_gan step_bench kernel_bench -- "${keep_going[@]}"
}

built() { [ -x "$1" ] || { echo "$1 was not built" && return 1; }; }

gpu_tests() {
  built "$build/tests/cuda/cuda_tests" || return 77
  ctest --test-dir "$build" -L '^gpu$' --no-tests=error --output-on-failure --timeout 120 | tee "$work/ctest" || return 1
  ! grep -q 'Skipped' "$work/ctest" || { echo "a test skipped itself: CUDA sees no device" && return 1; }
}

# A tool that is too slow has found nothing so far, which is no result; one that refuses the device neither.
sanitize() {
  local tool=$1 seconds=$2 status
  built "$build/tests/cuda/cuda_tests" || return 77
  command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is not installed" && return 77; }
  timeout -k 5 "$seconds" compute-sanitizer --tool "$tool" --error-exitcode 9 "$build/tests/cuda/cuda_tests" \
    --test-case='*tuned convolutions*,*in BF16 reads*,*may run at once*,*captured step of dual_gan*' >"$work/$tool" 2>&1
  status=$?
  tail -n 60 "$work/$tool"
  if grep -qi 'not supported' "$work/$tool"; then
    echo "compute-sanitizer does not work with this device or driver" && return 77
  elif [ $status -eq 124 ] || [ $status -eq 137 ]; then
    grep -qE '^=+ +(Invalid|Error|Warning|Uninitialized|Barrier)|hazard' "$work/$tool" && return 1
    echo "stopped after $seconds seconds, nothing found until then" && return 77
  elif grep -qE 'test cases: +0 ' "$work/$tool"; then
    echo "no test was run" && return 1
  fi
  return $status
}

# train NAME FLAG...: one epoch; prints the run's figures last.
train() {
  local run=$work/$1
  shift
  "$build/train_gan" --device cuda --epochs 1 --seed 0 --quiet --out "$run" "$@" || return 1
  sed -nE 's/^ *"(auroc|images_per_second|train_seconds)": ([0-9.e+-]+).*/\1 \2/p' "$run/summary.json" | paste -sd ' '
}

ready_to_train() {
  built "$build/train_gan" || return 77
  local folder=/usr/share/datasets/fashion-mnist
  [ -d "$folder" ] || { echo "the data is not here: $folder" && return 77; }
}

train_in() {
  ready_to_train || return 77
  grep -q -e '--precision' <<<"$("$build/train_gan" --help)" || { echo "train_gan has no --precision" && return 77; }
  train "$1" --precision "$1"
}

equal_runs() {
  ready_to_train || return 77
  local i sums
  for i in 1 2 3 4 5; do train "equal-$i" || return 1; done
  sums=$(sha256sum "$work"/equal-?/weights.safetensors | cut -d' ' -f1 | sort | uniq -c)
  echo "$sums"
  [ "$(wc -l <<<"$sums")" -eq 1 ] || { echo "runs of one seed differ" && return 1; }
}

steps() {
  built "$build/bench/step_bench" || return 77
  "$build/bench/step_bench" --device cuda --width 64 --eager --what train --seconds 0.2
}

kernels() {
  built "$build/bench/kernel_bench" || return 77
  "$build/bench/kernel_bench" --json "$out/gpu_kernels.json"
}

torch_peer() { python3 bench/peers/torch_gpu.py - --width 64 "$@"; }

export -f configure build_all built gpu_tests sanitize train ready_to_train train_in equal_runs steps kernels torch_peer

# ---- the report

# Text as the inside of a JSON string.
escaped() { tr -d '\000-\010\013-\037' | sed 's/\\/\\\\/g; s/"/\\"/g; s/\t/ /g'; }

# The lines that a benchmark printed, as JSON strings.
lines_of() { escaped <"$work/$1.txt" | sed 's/.*/"&"/' | paste -sd ,; }

write_json() {
  local i comma="" lines
  printf '{"gpu": "%s", "parts": [' "$(escaped <<<"$gpu")"
  for i in "${!names[@]}"; do
    printf '%s\n {"name": "%s", "result": "%s", "seconds": %d, "note": "%s"' "$comma" "${names[i]}" "${states[i]}" \
      "${times[i]}" "$(escaped <<<"${notes[i]}")"
    case ${names[i]} in
      steps | torch*) lines=$(lines_of "${names[i]}") && printf ', "lines": [%s]' "$lines" ;;
    esac
    printf '}' && comma=,
  done
  printf '\n]}\n'
}

print_table() {
  local i
  echo
  echo "$gpu"
  printf '%-16s %-6s %7s  %s\n' part result seconds note
  for i in "${!names[@]}"; do
    printf '%-16s %-6s %7d  %s\n' "${names[i]}" "${states[i]}" "${times[i]}" "${notes[i]}"
  done
}

show() { [ -s "$work/$1.txt" ] && cat "$work/$1.txt"; }

part configure 60 configure
part build 240 build_all
begin tests 150 gpu_tests
for tool in memcheck racecheck initcheck synccheck; do begin "$tool" 60 sanitize "$tool" 55; done
begin "equal runs" 90 equal_runs
collect
for precision in fp32 tf32 bf16; do part "train $precision" 40 train_in "$precision"; done
part steps 60 steps
part torch 60 torch_peer --modes graph --seconds 0.2
part kernels 90 kernels
part "torch eager" 30 torch_peer --modes eager --batch 2 --seconds 0.2
part torch.compile 80 torch_peer --modes compile --precision tf32 --batch 64
for name in steps kernels torch 'torch eager' torch.compile; do show "$name"; done
write_json >"$out/gpu_check.json"
print_table
[[ " ${states[*]} " != *" FAIL "* ]]
