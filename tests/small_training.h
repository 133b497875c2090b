#pragma once
// A training that takes a moment: images that a tiny network can tell apart.
#include "base/file.h"
#include "base/random.h"
#include "models/trainer.h"

namespace snag {

// Bars for normal, checks for anomalous, of random phase and brightness; in colour, each channel darker than the last.
inline TrainingSet pictures(int normal, int anomalous, int side = kSide, int channels = 1) {
  TrainingSet set{{normal + anomalous, side, side, {}, channels}, normal};
  for (int i = 0; i < normal + anomalous; ++i) {
    const Draw d = philox(3, Stream::sample, 0, static_cast<std::uint64_t>(i));
    const int phase = d.below(0, 8), brightness = 100 + d.below(1, 156);
    for (int h = 0; h < side; ++h)
      for (int w = 0; w < side; ++w) {
        const bool on = i < normal ? (w + phase) % 8 < 4 : ((w + phase) / 4 + h / 4) % 2;
        for (int c = 1; c <= channels; ++c)
          set.images.pixels.push_back(static_cast<std::uint8_t>(on ? brightness / c : 0));
      }
  }
  return set;
}

inline Config small(const std::string& model) {
  Config c;
  c.model = model;
  set_defaults(c);
  c.width = 4;
  c.batch_size = 6;
  c.epochs = 2;
  c.warmup = 2;
  c.train_normal = c.train_anomalous = 0;
  c.seed = 5;
  return c;
}

inline std::string digest(const Trainer& t) { return sha256(serialise_safetensors(t.state())); }

// The variants whose training differs in kind.
inline std::vector<Config> variants() {
  std::vector<Config> all;
  for (const char* model : {"cnn", "autoencoder", "restore", "gan", "dcgan", "dual_gan"}) all.push_back(small(model));
  all.push_back(small("dual_gan"));
  all.back().batch_size = 1;
  all.push_back(small("dual_gan"));
  all.back().dropout = 0.3;
  all.back().augment = "hflip,vflip,rotate,shift=2,crop";
  all.back().skip = false;
  return all;
}

}  // namespace snag
