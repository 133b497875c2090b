#!/usr/bin/env bash
# Installs what is missing, builds train_gan, trains dual_gan on Fashion-MNIST with class 0 normal for 20 epochs, and shows
# the result.
# usage: scripts/quickstart.sh [FLAG OF train_gan ...]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh build
cuda=OFF  # compiling for a GPU takes a minute: only where there is one
nvidia-smi >/dev/null 2>&1 && cuda=AUTO
cmake --preset release -G Ninja -DSNAG_TESTS=OFF -DSNAG_BENCH=OFF -DSNAG_CUDA=$cuda >/dev/null
cmake --build --preset release --target train_gan
train_gan=build/release/train_gan

stamp=runs/quickstart-$(date +%Y%m%d-%H%M%S)
for model in random pca knn; do
  "$train_gan" --model "$model" --out "$stamp/$model" --quiet
done
"$train_gan" --model dual_gan --epochs 20 --out "$stamp/dual_gan" "$@"  # the default, 80, gains some thousandths more

auroc() { sed -n 's/^  "auroc": \([0-9.]*\).*/\1/p' "$stamp/$1/summary.json"; }
echo
echo "AUROC on the test file (class 0 normal, classes 1 to 9 anomalous):"
printf '  %-10s %.4f\n' dual_gan "$(auroc dual_gan)" knn "$(auroc knn)" pca "$(auroc pca)" random "$(auroc random)"
echo "pictures: $stamp/dual_gan/samples/   report: $stamp/dual_gan/report.html"
