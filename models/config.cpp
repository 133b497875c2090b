#include "models/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/nearest.h"

namespace snag {
namespace {

const std::vector<std::string> kModels{"random",  "knn", "pca",   "cnn",     "autoencoder",
                                       "restore", "gan", "dcgan", "dual_gan"};
const std::vector<std::string> kPresets{"students", "kim2020", "fast"};

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const std::string& w : words) text += (text.empty() ? "" : ", ") + w;
  return text;
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

std::string flag(const Setting& s) {
  std::string text = "--" + std::string(s.name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

[[noreturn]] void refuse(const std::string& message) { throw Error(Exit::usage, message); }

std::string number(double v) {
  std::ostringstream text;
  text << v;
  return text.str();
}

void check_range(const Setting& s, double v) {
  if (v >= s.low && v <= s.high) return;
  refuse(flag(s) + " is " + number(v) + ": choose a value " +
         (std::isinf(s.high) ? "of at least " + number(s.low) : "from " + number(s.low) + " to " + number(s.high)));
}

// As many anomalies as normal images, spread over clusters of each class.
void set_paper_sample(Config& c) {
  c.train_anomalous = -1;
  c.sampling = "kmeans";
}

// The paper's own sample, weights and plain tanh; no tricks.
void set_paper_recipe(Config& c) {
  set_paper_sample(c);
  c.abc_weight = 0.5;
  c.adversarial_normal_weight = 0.5;
  c.adversarial_anomalous_weight = 1;
  c.output_range = 1;
  c.weight_decay = 0;
  c.ema = 0;
  c.warmup = 0;
  c.schedule = "constant";
  c.discriminator_lr_ratio = 1;
}

}  // namespace

std::span<const std::string> model_names() { return kModels; }
std::span<const std::string> preset_names() { return kPresets; }
bool trains(const std::string& model) { return model != "random" && model != "knn" && model != "pca"; }

std::span<const Setting> settings() {
  using C = Config;
  static const double kMax = 1e9, kMillion = 1e6;
  static const std::vector<Setting> list{
      {"model", &C::model, "which system to train", 0, 0, kModels},
      {"normal_class", &C::normal_class, "class that counts as normal, or a list: 0,2", 0, 9},
      {"hold_out", &C::hold_out, "anomaly classes kept out of training and validation, scored in the test", 0, 9},
      {"data", &C::data,
       "folder: IDX files, plain or .gz; or images in normal/ and abnormal/, or in train/good/ and test/"},
      {"out", &C::out, "the run's folder; without it runs/MODEL-cCLASS-sSEED", 0, 0, {}, false},
      {"size", &C::size, "side of the images in pixels: 32, 64 or 128; data is resized to it", kSide, 128},
      {"channels", &C::channels, "1: gray, 3: colour; 0: as the data has", 0, 3},
      {"epochs", &C::epochs, "passes over the normal training images", 1, kMillion},
      {"batch_size", &C::batch_size, "images a step, half normal and half anomalous; 1: the kinds take turns", 1,
       65536},
      {"lr", &C::lr, "learning rate; 0: 1e-3 sqrt(batch size / 64)", 0, 10},
      {"discriminator_lr_ratio", &C::discriminator_lr_ratio, "discriminators' learning rate over --lr", 0, 100},
      {"warmup", &C::warmup, "steps of linear warm-up", 0, kMax},
      {"schedule", &C::schedule, "learning rate over the run", 0, 0, {"cosine", "constant"}},
      {"weight_decay", &C::weight_decay, "AdamW's decay; 0 is Adam", 0, 1},
      {"beta1", &C::beta1, "Adam's first decay", 0, 0.999999},
      {"beta2", &C::beta2, "Adam's second decay", 0, 0.999999},
      {"ema", &C::ema, "decay of the averaged weights that score; 0: the last weights", 0, 0.999999},
      {"width", &C::width, "channels of the first layer", 1, 512},
      {"skip", &C::skip, "U-Net skip connections in the generator"},
      {"output_range", &C::output_range, "R of the generator's output R tanh(u/R); 1 is plain tanh", 0.1, 1000},
      {"dropout", &C::dropout, "in the decoder's first two layers", 0, 0.95},
      {"train_normal", &C::train_normal, "normal training images; 0: all", 0, kMax},
      {"train_anomalous", &C::train_anomalous, "anomalous training images; 0: all, -1: as many as normal ones", -1,
       kMax},
      {"validation", &C::validation, "share of the training file kept to choose the threshold", 0.001, 0.9},
      {"test", &C::test, "share of the images that tests, in image folders without test/", 0.001, 0.9},
      {"on_bad_image", &C::on_bad_image, "of image folders: stop, or leave it out and list it", 0, 0, {"fail", "skip"}},
      {"sampling",
       &C::sampling,
       "how anomalies are drawn: k-means per class, over all, or at random",
       0,
       0,
       {"kmeans", "joint", "random"}},
      {"clusters", &C::clusters, "clusters of the k-means sampling", 1, 1000},
      {"augment", &C::augment, "of hflip,vflip,rotate,shift[=1],crop[=2], or none"},
      {"normal_only", &C::normal_only, "train on normal images alone (gan)"},
      {"distance", &C::distance, "reconstruction loss", 0, 0, {"l1", "l2"}},
      {"reconstruction_weight", &C::reconstruction_weight, "generator: mean |x - y|, normal", 0, kMax},
      {"patch_weight", &C::patch_weight, "generator: the worst patches, normal", 0, kMax},
      {"latent_weight", &C::latent_weight, "generator: mean |E(x) - E(y)|, normal", 0, kMax},
      {"adversarial_normal_weight", &C::adversarial_normal_weight, "generator: (N(y) - 1)^2, normal", 0, kMax},
      {"abc_weight", &C::abc_weight, "generator: -log(1 - exp(-L)), anomalous", 0, kMax},
      {"adversarial_anomalous_weight", &C::adversarial_anomalous_weight, "generator: AN(y)^2, anomalous", 0, kMax},
      {"discriminator_normal_weight", &C::discriminator_normal_weight, "discriminator N's loss", 0, kMax},
      {"discriminator_anomalous_weight", &C::discriminator_anomalous_weight, "discriminator AN's loss", 0, kMax},
      {"abc_scale", &C::abc_scale, "s of L / s inside the ABC loss", 1e-3, 1000},
      {"patch_size", &C::patch_size, "patch loss: side of a patch", 1, 128},
      {"patch_stride", &C::patch_stride, "patch loss: step between patches", 1, 128},
      {"patch_largest", &C::patch_largest, "patch loss: how many of the worst count", 1, 16384},
      {"score", &C::score,
       "anomaly score: l1, l2, patch, latent, neighbours, discriminator, or a sum such as l1+latent"},
      {"neighbours", &C::neighbours, "how many of the nearest normal training images a score by distance takes", 1,
       1000},
      {"components", &C::components, "pca: how many", 1, 1023},
      {"seed", &C::seed, "all random numbers follow from it", 0, 9e15},
      {"device", &C::device, "where to compute", 0, 0, {"auto", "cpu", "cuda"}},
      {"precision", &C::precision, "of products on a GPU; the CPU computes in fp32", 0, 0, {"fp32", "tf32", "bf16"}},
      {"threads", &C::threads, "CPU threads; 0: all cores. Results do not depend on it", 0, 1024},
      {"memory", &C::memory, "GiB that tensors may take; 0: what the machine has, what the run needs on a GPU", 0,
       kMillion},
      {"sample_every", &C::sample_every, "batches between log lines and pictures", 1, kMax},
      {"resume", &C::resume, "go on with the interrupted run in --out", 0, 0, {}, false},
      {"overwrite", &C::overwrite, "replace a finished run in --out", 0, 0, {}, false},
      {"quiet", &C::quiet, "no progress, only errors", 0, 0, {}, false},
  };
  return list;
}

bool free_on_resume(std::string_view name) {
  for (const char* free : {"out", "data", "threads", "memory", "device", "resume", "quiet"})
    if (name == free) return true;
  return false;
}

void set_defaults(Config& c) {
  if (std::find(kModels.begin(), kModels.end(), c.model) == kModels.end())
    refuse("--model " + c.model + " is unknown: choose one of " + joined(kModels));
  if (c.model != "dual_gan" && c.model != "cnn") c.epochs = 20;
  if (c.model == "cnn") c.width = 32;
  if (c.model == "dcgan") set_paper_recipe(c);
  if (c.model == "gan") set_paper_sample(c);
  const bool autoencoder = c.model == "autoencoder" || c.model == "restore";
  if (autoencoder || c.model == "gan") {
    c.patch_weight = c.latent_weight = c.abc_weight = 0;
    c.output_range = 1;
    c.reconstruction_weight = 1;
  }
  if (autoencoder) {
    c.skip = false;
    c.normal_only = true;
    c.adversarial_normal_weight = c.adversarial_anomalous_weight = 0;
  }
  if (c.model == "gan" || c.model == "restore") {
    c.distance = "l2";
    c.score = "neighbours";
  }
  if (c.model == "gan") c.adversarial_anomalous_weight = 1;
  if (c.model == "restore") {
    c.augment = "hflip";
    c.epochs = 60;
  }
}

void set_preset(Config& c, const std::string& name) {
  if (name == "students") {
    c.batch_size = 1;
    c.epochs = 20;
    c.lr = 0.002;
    c.augment = "hflip,vflip,rotate,crop";
    set_paper_recipe(c);
  } else if (name == "kim2020") {
    c.batch_size = 1;
    c.epochs = 200;
    c.lr = 1e-4;
    c.width = 64;
    c.augment = "none";
    set_paper_recipe(c);
  } else if (name == "fast") {
    c.epochs = 3;
  } else {
    refuse("--preset " + name + " is unknown: choose one of " + joined(kPresets));
  }
}

void read_config(Config& config, const std::string& path) {
  read_config(config, parse_json(read_file(path), path, Exit::usage));
}

void read_config(Config& config, const Json& json) {
  if (!json.value.is_object()) refuse(json.file + ": a configuration is a JSON object");
  std::vector<std::string> names;
  for (const Setting& s : settings()) names.emplace_back(s.name);
  for (const auto& item : json.value.items())
    if (std::find(names.begin(), names.end(), item.key()) == names.end())
      refuse(json.file + ": unknown key " + in_quotes(item.key()) + suggestion(item.key(), names) +
             "; train_gan --help lists the settings");
  for (const Setting& s : settings()) {
    if (!has(json, s.name)) continue;
    std::visit(Overloaded{
                   [&](int Config::*f) {
                     config.*f = static_cast<int>(get_int(json, s.name, std::int64_t(s.low), std::int64_t(s.high)));
                   },
                   [&](std::uint64_t Config::*f) {
                     config.*f =
                         static_cast<std::uint64_t>(get_int(json, s.name, std::int64_t(s.low), std::int64_t(s.high)));
                   },
                   [&](double Config::*f) { config.*f = get_real(json, s.name, s.low, s.high); },
                   [&](bool Config::*f) { config.*f = get_bool(json, s.name); },
                   [&](std::string Config::*f) { config.*f = get_string(json, s.name); },
                   [&](std::vector<int> Config::*f) {
                     (config.*f).clear();
                     if (json.value[s.name].is_array())
                       for (const std::int64_t v : get_ints(json, s.name, std::int64_t(s.low), std::int64_t(s.high)))
                         (config.*f).push_back(static_cast<int>(v));
                     else
                       (config.*f).push_back(
                           static_cast<int>(get_int(json, s.name, std::int64_t(s.low), std::int64_t(s.high))));
                   },
               },
               s.field);
  }
}

std::string config_text(const Config& config) {
  nlohmann::ordered_json json;
  for (const Setting& s : settings())
    if (s.saved) std::visit([&](auto f) { json[s.name] = config.*f; }, s.field);
  return json.dump(2) + "\n";
}

void check(const Config& config) {
  for (const Setting& s : settings())
    std::visit(
        Overloaded{
            [&](std::string Config::*f) {
              if (!s.choices.empty() && std::find(s.choices.begin(), s.choices.end(), config.*f) == s.choices.end())
                refuse(flag(s) + " is '" + config.*f + "': choose one of " + joined(s.choices));
            },
            [&](std::vector<int> Config::*f) {
              for (const int v : config.*f) check_range(s, v);
            },
            [&](bool Config::*) {},
            [&](auto f) { check_range(s, static_cast<double>(config.*f)); },
        },
        s.field);
  if (config.normal_class.empty()) refuse("--normal-class is empty: name at least one class from 0 to 9");
  if (config.batch_size > 1 && config.batch_size % 2)
    refuse("--batch-size is " + std::to_string(config.batch_size) +
           ": half of a step's images are normal, so choose an even number, or 1");
  if (config.size != 32 && config.size != 64 && config.size != 128)
    refuse("--size is " + std::to_string(config.size) + ": choose 32, 64 or 128");
  if (config.channels == 2) refuse("--channels is 2: choose 1, 3, or 0 for what the data has");
  if (config.patch_size > config.size)
    refuse("--patch-size is " + std::to_string(config.patch_size) + ", but images have " + std::to_string(config.size) +
           " pixels a side: choose smaller patches");
  const int patches = (config.size - config.patch_size) / config.patch_stride + 1;
  if (config.patch_largest > patches * patches)
    refuse("--patch-largest is " + std::to_string(config.patch_largest) + ", but there are only " +
           std::to_string(patches * patches) + " patches: choose fewer, or smaller patches");
  const bool autoencoder = config.model == "autoencoder" || config.model == "restore";
  if (config.normal_only && config.model != "gan" && !autoencoder)
    refuse("--normal-only goes with gan, autoencoder and restore; " + config.model + " learns from labelled anomalies");
  if (const Augment a = augmentation(config); config.model == "restore" && (a.flip_vertical || a.rotate || a.shift > 0))
    refuse("--augment " + config.augment + " does not go with restore, which must know where upright is: use hflip, " +
           "crop or none");
  const std::vector<std::string> score = score_terms(config);
  if (std::find(score.begin(), score.end(), "discriminator") != score.end() &&
      (config.adversarial_normal_weight == 0 || config.discriminator_normal_weight == 0))
    refuse("--score " + config.score +
           " needs the discriminator of normal images, which this run does not train: choose gan, dcgan or dual_gan "
           "with weights of its losses above 0, or another score");
  if (config.reconstruction_weight + config.patch_weight + config.latent_weight + config.adversarial_normal_weight == 0)
    refuse("all weights of the losses on normal images are 0: there is nothing to learn");
}

std::vector<std::string> score_terms(const Config& config) {
  std::vector<std::string> terms;
  std::istringstream words(config.score + "+");
  for (std::string word; std::getline(words, word, '+');) {
    static const std::vector<std::string> known{"l1", "l2", "patch", "latent", "neighbours", "discriminator"};
    if (std::find(known.begin(), known.end(), word) == known.end() ||
        std::find(terms.begin(), terms.end(), word) != terms.end())
      refuse("--score is '" + config.score + "': choose of " + joined(known) + ", or add different ones: l1+latent");
    terms.push_back(word);
  }
  return terms;
}

int image_channels(const Config& c) { return std::max(c.channels, 1); }
double learning_rate(const Config& c) { return c.lr > 0 ? c.lr : 1e-3 * std::sqrt(c.batch_size / 64.0); }

Augment augmentation(const Config& config) {
  Augment a;
  if (config.augment == "none" || config.augment.empty()) return a;
  std::istringstream words(config.augment);
  for (std::string word; std::getline(words, word, ',');) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    int pixels = name == "shift" ? 1 : 2;
    bool good = name == "shift" || name == "crop" || equals == std::string::npos;
    if (equals != std::string::npos && good) {
      const char *first = word.data() + equals + 1, *last = word.data() + word.size();
      const auto [end, error] = std::from_chars(first, last, pixels);
      good = error == std::errc{} && end == last && pixels >= 0 && pixels <= 8;
    }
    if (name == "hflip")
      a.flip_horizontal = true;
    else if (name == "vflip")
      a.flip_vertical = true;
    else if (name == "rotate")
      a.rotate = true;
    else if (name == "shift")
      a.shift = pixels;
    else if (name == "crop")
      a.crop = pixels;
    else
      good = false;
    if (!good)
      refuse("--augment has '" + word + "': use a list of hflip, vflip, rotate, shift[=0..8], crop[=0..8], or none");
  }
  return a;
}

Distance distance_of(const std::string& name) { return name == "l2" ? Distance::l2 : Distance::l1; }

}  // namespace snag
