#!/usr/bin/env bash
# Makes build/python, a Python environment with the packages by which tests check what Snag exports. Where pip cannot
# install them, says so and leaves none: those tests then skip themselves.
# usage: scripts/python_packages.sh
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(numpy onnx onnxruntime safetensors tensorboard)
environment=build/python
[ -e "$environment/complete" ] && exit 0
rm -rf "$environment"
mkdir -p build
echo "installing ${packages[*]} into $environment"
if ! { python3 -m venv "$environment" && "$environment/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"; }; then
  rm -rf "$environment"
  echo "pip could not install ${packages[*]}: the tests of exports will be skipped" >&2
  exit 0
fi
touch "$environment/complete"
