#include <algorithm>
#include <optional>
#include <utility>

#include "kernels/cpu/recording.h"

namespace snag {
namespace {

// Smaller blocks stay: what a step of few images needs is for its weights.
constexpr std::size_t kLeastBytes = std::size_t{1} << 20;
// Passes over memory are spent for no less than this share of it.
constexpr double kLeastGain = 0.01;

// The kernel again, where it is no more than a pass over memory, as the convolution of an image is, too; it must not
// move running statistics twice.
std::optional<Kernel> repeated(const Work& work) {
  const auto* kernel = std::get_if<Kernel>(&work);
  if (!kernel) return {};
  if (std::holds_alternative<LeakyRelu>(*kernel) || std::holds_alternative<ConcatChannels>(*kernel)) return *kernel;
  if (const auto* conv = std::get_if<ConvDown>(kernel); conv && conv->big.shape.c == 1) return *kernel;
  if (const auto* norm = std::get_if<BatchNorm>(kernel)) {
    BatchNorm again = *norm;
    again.running = {};
    return again;
  }
  return {};
}

// What touches each block, and when most lives.
class Lives {
 public:
  explicit Lives(const Step& step) : touches_(step.touches()) {
    std::vector<std::ptrdiff_t> change(step.work.size() + 1);
    for (std::size_t b = 0; b < touches_.size(); ++b) {
      if (touches_[b].empty()) continue;
      change[touches_[b].front()] += static_cast<std::ptrdiff_t>(step.memory[b].bytes);
      change[touches_[b].back() + 1] -= static_cast<std::ptrdiff_t>(step.memory[b].bytes);
    }
    std::ptrdiff_t live = 0;
    for (std::size_t i = 0; i < step.work.size(); ++i)
      if (live += change[i]; live > most_) most_ = live, fullest_ = i;
  }
  const std::vector<std::size_t>& touches(std::size_t block) const { return touches_[block]; }
  double most() const { return static_cast<double>(most_); }
  std::size_t fullest() const { return fullest_; }  // the work that finds most bytes alive

 private:
  std::vector<std::vector<std::size_t>> touches_;  // of each block
  std::ptrdiff_t most_ = 0;
  std::size_t fullest_ = 0;
};

// Where a block that lives through the fullest work, without being needed there, can be computed again.
struct Repeat {
  std::size_t before;  // the work that needs it next
  Kernel kernel;
};
std::optional<Repeat> repeat(const Step& step, const Lives& lives, std::size_t block) {
  const std::vector<std::size_t>& touches = lives.touches(block);
  const auto next = std::upper_bound(touches.begin(), touches.end(), lives.fullest());
  if (next == touches.begin() || next == touches.end() || *(next - 1) == lives.fullest()) return {};
  const std::size_t made = touches.front();
  const auto kernel = repeated(step.work[made]);
  if (!kernel) return {};
  const Block& b = step.memory[block];
  const std::vector<Operand> own = operands(*kernel);
  for (const Operand& o : own)  // it writes the block, all of it, and nothing else
    if (o.written && (o.begin != b.begin || aligned(o.bytes) != aligned(b.bytes))) return {};
  for (std::size_t i = made + 1; i < step.work.size(); ++i)  // its inputs stay until then, the block for ever
    for (const Operand& o : operands(step.work[i]))
      for (const Operand& x : own)
        if (o.written && overlap(o, x) && (x.written || i < *next)) return {};
  return Repeat{*next, *kernel};
}

void apply(Step& step, std::size_t block, const Repeat& r) {
  const Block old = step.memory[block], last = step.memory.back();
  const Block made{last.begin + aligned(last.bytes), old.bytes};
  step.memory.push_back(made);
  const Relocation to = [&](const std::byte* p) {
    return p >= old.begin && p < old.begin + old.bytes ? made.begin + (p - old.begin) : p;
  };
  step.work.insert(step.work.begin() + static_cast<std::ptrdiff_t>(r.before), r.kernel);
  for (std::size_t i = r.before; i < step.work.size(); ++i) relocate(step.work[i], to);
}

// What is made last goes first: computed again, it needs what was made before it, which then may be, too.
Step less(Step step) {
  Lives lives(step);
  std::vector<std::size_t> blocks;
  for (std::size_t b = 0; b < step.memory.size(); ++b)
    if (step.memory[b].bytes >= kLeastBytes && !lives.touches(b).empty()) blocks.push_back(b);
  std::stable_sort(blocks.begin(), blocks.end(),
                   [&](std::size_t a, std::size_t b) { return lives.touches(a).front() > lives.touches(b).front(); });
  for (const std::size_t b : blocks) {
    const auto r = repeat(step, lives, b);
    if (!r) continue;
    Step shorter = step;
    apply(shorter, b, *r);
    Lives then(shorter);
    if (then.most() > lives.most()) continue;
    step = std::move(shorter);
    lives = std::move(then);
  }
  return step;
}

}  // namespace

Step with_recomputation(Step step) {
  for (;;) {
    Step shorter = less(step);
    if (Lives(shorter).most() >= (1 - kLeastGain) * Lives(step).most()) return step;
    step = std::move(shorter);
  }
}

}  // namespace snag
