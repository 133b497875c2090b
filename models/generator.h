#pragma once
#include <variant>
#include <vector>

#include "engine/layers.h"
#include "models/sizes.h"

namespace snag {

struct GeneratorOptions {
  int channels = 1, side = kSide;  // of images
  int width = 16;                  // channels of the first layer
  bool skip = true;                // U-Net: the decoder also sees the encoder's maps
  double range = 4;                // output is range tanh(u / range)
  double dropout = 0;              // after the decoder's first two layers
};

struct Reconstruction {
  Tensor image;   // like x
  Tensor latent;  // the encoder's output
};

// What a forward pass needs beside its input.
struct Pass {
  const Weights& weights;
  Statistics statistics = Statistics::running;
  int groups = 1;          // equal parts of a discriminator's batch, each with statistics of its own
  Counter step{};          // clock of the dropout masks
  std::uint64_t seed = 0;  // theirs too
};

// Generator of Kim et al. 2020 (Fig. 1 and the authors' lab code) at 32x32: encoder 4x conv k4 s2 p1 to
// W, 2W, 4W, 8W channels, batch norm on layers 2 to 4, leaky ReLU 0.2; latent [N,8W,2,2]; decoder 4x transposed
// convolution with batch norm and ReLU on all but the last; three skips by channel concatenation. Each doubling of the
// side adds a level of 8W channels inside, as in the U-Net of pix2pix (Isola et al. 2017): the latent stays 2x2.
class Generator {
 public:
  Generator(Layout&, const GeneratorOptions&);
  Reconstruction operator()(const Pass&, Tensor x) const;  // x [N,channels,side,side]
  Tensor encode(const Pass& pass, Tensor x) const { return maps(pass, x).back(); }
  int latent_values() const { return 8 * options_.width * 2 * 2; }

 private:
  std::vector<Tensor> maps(const Pass&, Tensor x) const;
  GeneratorOptions options_;
  std::vector<ConvLayer> down_;
  std::vector<ConvTransposeLayer> up_;
  std::vector<BatchNormLayer> down_norm_, up_norm_;
};

// Fully connected autoencoder of the students' baseline: 1024 -> 32W -> 16W -> 8W -> 4W and back, leaky ReLU 0.2
// between. Other images change 1024, the number of their values, alone.
class DenseGenerator {
 public:
  DenseGenerator(Layout&, const GeneratorOptions&);
  Reconstruction operator()(const Pass&, Tensor x) const;
  Tensor encode(const Pass&, Tensor x) const;
  int latent_values() const { return 4 * options_.width; }

 private:
  GeneratorOptions options_;
  std::vector<LinearLayer> down_, up_;
};

// Discriminator of Kim et al.: conv k4 p1 without bias, 1->W s2 ReLU; W->2W s2 BN ReLU; 2W->4W s2 BN ReLU;
// 4W->4W s1 BN leaky ReLU 0.2; 4W->1 s1: a 2x2 map of logits [N,1,2,2]. Each doubling of the side adds
// a 4W->4W s2 BN ReLU.
class Discriminator {
 public:
  Discriminator(Layout&, const std::string& name, int width, int channels = 1, int side = kSide);
  Tensor operator()(const Pass&, Tensor x) const;

 private:
  std::vector<ConvLayer> convolution_;
  std::vector<BatchNormLayer> norm_;
};

// Fully connected discriminator: 1024 -> 16W -> 8W -> 1, leaky ReLU 0.2: logits [N,1,1,1].
class DenseDiscriminator {
 public:
  DenseDiscriminator(Layout&, const std::string& name, int width, int channels = 1, int side = kSide);
  Tensor operator()(const Pass&, Tensor x) const;

 private:
  std::vector<LinearLayer> layers_;
};

}  // namespace snag
