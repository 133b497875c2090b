#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages that are missing; as root or through sudo. Says what to install where it cannot.
# usage: scripts/install_packages.sh build|test
set -euo pipefail
packages=(g++ cmake ninja-build pkg-config zlib1g-dev libpng-dev libturbojpeg0-dev libssl-dev libeigen3-dev
          nlohmann-json3-dev libcli11-dev librandom123-dev libhwy-dev libboost-dev dataset-fashion-mnist)
if [ "${1:-build}" = test ]; then
  packages+=(doctest-dev libboost-context-dev libonnx-testdata python3-torch python3-sklearn python3-scipy python3-onnx
             python3-numpy python3-pil python3-venv openmpi-bin doxygen
             chromium fonts-dejavu-core zsh fish man-db)
fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo)
else
  echo "Missing packages, and no right to install them. As root, run:" >&2
  echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
