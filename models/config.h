#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "kernels/augment.h"
#include "models/losses.h"
#include "models/sizes.h"

namespace snag {

// Everything that defines a run of train_gan. The defaults are the recipe for dual_gan; set_defaults adapts them to a
// model.
struct Config {
  std::string model = "dual_gan";

  // data
  std::vector<int> normal_class{0}, hold_out;
  std::string data, out;
  int size = kSide, channels = 0;  // of images; channels 0: as the data has, or 1
  int train_normal = 0;            // 0: all that validation leaves
  int train_anomalous = 0;         // 0: all; -1: as many as normal ones
  double validation = 0.05;        // share of each class of the training images kept for the threshold
  double test = 0.25;              // share of each class that tests, in image folders without a test part
  std::string on_bad_image = "fail";
  std::string sampling = "random";
  int clusters = 10;
  std::string augment = "hflip,shift";

  // training
  int epochs = 80, batch_size = 64;
  double lr = 0;                        // 0: 1e-3 sqrt(batch_size / 64)
  double discriminator_lr_ratio = 0.2;  // of lr
  int warmup = 50;                      // steps
  std::string schedule = "cosine";
  double weight_decay = 1e-2, beta1 = 0.5, beta2 = 0.999;
  double ema = 0.99;  // decay of the average of weights that scores; 0: the last weights
  bool normal_only = false;

  // networks
  int width = 16;
  bool skip = true;
  double output_range = 4, dropout = 0;

  // losses and score
  std::string distance = "l1";
  double reconstruction_weight = 1.5, patch_weight = 1.5, latent_weight = 0.5, adversarial_normal_weight = 0.05,
         abc_weight = 10, adversarial_anomalous_weight = 0.1, discriminator_normal_weight = 1,
         discriminator_anomalous_weight = 0.5;
  double abc_scale = 1;
  int patch_size = 16, patch_stride = 8, patch_largest = 3;
  std::string score = "l1";

  // references
  int neighbours = 5, components = 64;

  // how to run
  std::uint64_t seed = 0;
  std::string device = "auto", precision = "tf32";  // of products, on a GPU
  int threads = 0;                                  // 0: all cores
  double memory = 0;                                // GiB that tensors may take; 0: what the machine has
  int sample_every = 100;                           // batches between pictures and log lines
  bool resume = false, overwrite = false, quiet = false;
};

// One setting: a flag of train_gan, a key of config.json, its range. THE list of settings is settings().
struct Setting {
  using Field = std::variant<int Config::*, double Config::*, bool Config::*, std::uint64_t Config::*,
                             std::string Config::*, std::vector<int> Config::*>;
  const char* name;  // key; the flag is --name with '-' for '_'
  Field field;
  const char* help;
  double low = 0, high = std::numeric_limits<double>::infinity();  // of numbers, inclusive
  std::vector<std::string> choices = {};                           // of strings; empty: any
  bool saved = true;                                               // stands in config.json
};
std::span<const Setting> settings();
// Whether a run's result is the same whatever this setting is: it may be given anew when the run is resumed.
bool free_on_resume(std::string_view name);

std::span<const std::string> model_names();
bool trains(const std::string& model);  // has weights; false for random, knn, pca

// Defaults for config.model where they differ from the recipe. Throws Error{Exit::usage} for an unknown model.
void set_defaults(Config&);
// "students", "kim2020" or "fast", on top of the defaults.
void set_preset(Config&, const std::string& name);
std::span<const std::string> preset_names();

// Reads config.json, and its text to write; keys that are absent keep their values. Error{Exit::usage} names the file
// and the key.
void read_config(Config&, const std::string& path);
void read_config(Config&, const Json& object);
std::string config_text(const Config&);

// Every range and every rule between settings. Throws Error{Exit::usage} that says which and what to do.
void check(const Config&);

// Derived values.
double learning_rate(const Config&);
int image_channels(const Config&);
Augment augmentation(const Config&);  // from "hflip,vflip,rotate,shift[=1],crop[=2]" or "none"
Distance distance_of(const std::string& name);
std::vector<std::string> score_terms(const Config&);  // "l1+latent": l1, latent

}  // namespace snag
