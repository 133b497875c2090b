#include "kernels/backend.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/machine.h"

namespace snag {
namespace {

struct CpuRecording : Recording {
  explicit CpuRecording(std::function<void()> s) : step(std::move(s)) {}
  void run() override { step(); }
  std::function<void()> step;
};

class CpuBackend : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& o)
      : portable_(o.portable),
        arena_(o.arena_bytes, o.poison),
        cpu_{ThreadPool(o.portable      ? 1
                        : o.threads > 0 ? o.threads
                                        : usable_cores()),
             Arena(0, o.poison)} {}

  void run(const Kernel& kernel) override {
    if (!cpu_.frozen.empty())
      for (const Operand& o : operands(kernel)) cpu_.frozen.check(o);
    std::visit(
        [&](const auto& k) {
          if (portable_)
            for (int i = 0; i < k.size(); ++i) k(i);
          else if constexpr (Tuned<std::decay_t<decltype(k)>>)
            launch(cpu_, k);
          else
            run_portable(cpu_, kernel, k.size());
        },
        kernel);
  }

  void* alloc(std::size_t bytes) override { return arena_.alloc(bytes); }
  std::size_t mark() const override { return arena_.used(); }
  void rewind(std::size_t mark) override {
    arena_.rewind(mark);
    if (!cpu_.frozen.empty()) cpu_.frozen.release(arena_.at(mark));
  }
  std::size_t peak() const override { return arena_.peak(); }

  void freeze(ConstView x) override {
    const auto* end = reinterpret_cast<const std::byte*>(x.data + x.shape.size());
    if (reinterpret_cast<const std::byte*>(x.data) < arena_.at(0) || end > arena_.at(arena_.used()))
      throw std::logic_error("only memory of the backend can be frozen");
    cpu_.frozen.add(x);
  }

  void upload(void* device, const void* host, std::size_t bytes) override {
    cpu_.frozen.check({static_cast<const std::byte*>(device), bytes, true});
    copy(device, host, bytes);
  }
  void download(void* host, const void* device, std::size_t bytes) override { copy(host, device, bytes); }

  std::unique_ptr<Recording> record(std::function<void()> step) override {
    return std::make_unique<CpuRecording>(std::move(step));
  }

  std::string name() const override {
    if (portable_) return "cpu, portable";
    const int threads = cpu_.pool.threads();
    std::string name = std::to_string(threads);
    name.append(threads == 1 ? " thread, " : " threads, ").append(instruction_set());
    return name.insert(0, "cpu, ");
  }

 private:
  static void copy(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }

  bool portable_;
  Arena arena_;
  Cpu cpu_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) { return std::make_unique<CpuBackend>(options); }

}  // namespace snag
