#!/usr/bin/env bash
# Installs what is missing, builds everything, and runs all the tests.
# usage: scripts/test.sh [PRESET ...]     default: release asan tsan
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh test
scripts/python_packages.sh
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(release asan tsan)
for preset in "${presets[@]}"; do
  echo "== $preset"
  cmake --preset "$preset" -G Ninja >/dev/null
  cmake --build --preset "$preset"
  ctest --preset "$preset" --no-tests=error
done
