#include "kernels/cpu/recording.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>

namespace snag {

std::vector<Operand> operands(const Work& work) {
  if (const auto* kernel = std::get_if<Kernel>(&work)) return operands(*kernel);
  const auto& update = std::get<Update>(work);
  std::vector<Operand> all = operands(Kernel(update.adam));
  for (const ConvWeight& k : update.product)
    if (k.big.data) all.push_back(reads(k.big)), all.push_back(reads(k.small));
  return all;
}

void relocate(Work& work, const Relocation& to) {
  const auto move = [&](auto& k) {
    Kernel moved = k;
    relocate(moved, to);
    k = std::get<std::decay_t<decltype(k)>>(moved);
  };
  if (auto* kernel = std::get_if<Kernel>(&work)) return relocate(*kernel, to);
  auto& update = std::get<Update>(work);
  move(update.adam);
  for (ConvWeight& k : update.product) move(k);
}

int Step::holder(const std::byte* p) const {
  const auto behind =
      std::upper_bound(memory.begin(), memory.end(), p, [](const std::byte* q, const Block& b) { return q < b.begin; });
  if (behind == memory.begin()) return -1;
  const Block& b = *(behind - 1);
  return p < b.begin + b.bytes ? static_cast<int>(behind - 1 - memory.begin()) : -1;
}

std::vector<std::vector<std::size_t>> Step::touches() const {
  std::vector<std::vector<std::size_t>> all(memory.size());
  for (std::size_t i = 0; i < work.size(); ++i)
    for (const Operand& o : operands(work[i]))
      if (const int b = holder(o.begin); b >= 0)
        if (auto& own = all[static_cast<std::size_t>(b)]; own.empty() || own.back() != i) own.push_back(i);
  return all;
}

// Where no memory is.
const std::byte* Recorder::first_address() { return reinterpret_cast<const std::byte*>(std::uintptr_t{1} << 56); }

void* Recorder::alloc(std::size_t bytes) {
  taken_.push_back(step_.memory.size());
  step_.memory.push_back({next_, bytes});
  marks_.push_back(used_);
  returned_.push_back(std::numeric_limits<std::size_t>::max());
  used_ += aligned(bytes);
  return const_cast<std::byte*>(std::exchange(next_, next_ + aligned(bytes)));
}

void Recorder::rewind(std::size_t mark) {
  for (; !taken_.empty() && marks_[taken_.back()] >= mark; taken_.pop_back())
    returned_[taken_.back()] = step_.work.size();
  used_ = mark;
}

Step Recorder::finish() {
  if (used_ != start_) throw std::logic_error("a recorded step must leave the arena as it found it");
  for (std::size_t i = 0; i < step_.work.size(); ++i)
    for (const Operand& o : operands(step_.work[i]))
      if (const int b = step_.holder(o.begin); b >= 0 && i >= returned_[static_cast<std::size_t>(b)])
        throw std::logic_error("a recorded step uses memory that it gave back");
  return std::move(step_);
}

}  // namespace snag
