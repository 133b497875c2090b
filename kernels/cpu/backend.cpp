#include "kernels/backend.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/machine.h"
#include "kernels/cpu/recording.h"

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
        eager_(o.eager || o.portable),
        poison_(o.poison),
        arena_(o.arena_bytes, o.poison),
        cpu_{ThreadPool(o.portable      ? 1
                        : o.threads > 0 ? o.threads
                                        : usable_cores()),
             Arena(0, o.poison)} {}

  void run(const Kernel& kernel) override {
    if (recorder_)
      recorder_->run(kernel);
    else
      run_now(kernel);
  }

  void* alloc(std::size_t bytes) override { return recorder_ ? recorder_->alloc(bytes) : arena_.alloc(bytes); }
  std::size_t mark() const override { return recorder_ ? recorder_->mark() : arena_.used(); }
  void rewind(std::size_t mark) override {
    if (recorder_) return recorder_->rewind(mark);
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
    no_copies_in_a_step();
    cpu_.frozen.check({static_cast<const std::byte*>(device), bytes, true});
    copy(device, host, bytes);
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    no_copies_in_a_step();
    copy(host, device, bytes);
  }

  std::unique_ptr<Recording> record(std::function<void()> step) override {
    if (eager_) return std::make_unique<CpuRecording>(std::move(step));
    const std::size_t start = arena_.used();
    LaidOut planned = plan(step);
    arena_.alloc(planned.bytes);  // throws where it does not fit
    arena_.rewind(start);
    return std::make_unique<CpuRecording>([this, start, planned = std::move(planned)] {
      if (arena_.used() != start) throw std::logic_error("a recorded step runs where the arena was when recorded");
      arena_.alloc(planned.bytes);
      for (const auto& work : planned.work) std::visit([&](const auto& w) { run_now(w); }, work);
      rewind(start);
    });
  }

  std::string name() const override {
    if (portable_) return "cpu, portable";
    const int threads = cpu_.pool.threads();
    std::string name = std::to_string(threads);
    name.append(threads == 1 ? " thread, " : " threads, ").append(instruction_set());
    return name.insert(0, "cpu, ");
  }

 private:
  void run_now(const Kernel& kernel) {
    check_frozen(kernel);
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
  void run_now(const Update& u) {
    check_frozen(u.adam);
    launch(cpu_, u);
  }
  void check_frozen(const Kernel& kernel) const {
    if (cpu_.frozen.empty()) return;
    for (const Operand& o : operands(kernel)) cpu_.frozen.check(o);
  }
  void no_copies_in_a_step() const {
    if (recorder_) throw std::logic_error("a recorded step must not copy to or from the device");
  }
  LaidOut plan(const std::function<void()>& step) {
    struct Recorded {
      std::optional<Recorder>& recorder;
      ~Recorded() { recorder.reset(); }
    } recorded{recorder_};
    recorder_.emplace(arena_.used());
    step();
    return lay_out(with_recomputation(with_early_updates(recorder_->finish())), arena_.at(arena_.used()), poison_);
  }
  static void copy(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }

  bool portable_, eager_, poison_;
  Arena arena_;
  Cpu cpu_;
  std::optional<Recorder> recorder_;  // while a step is recorded
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) { return std::make_unique<CpuBackend>(options); }

}  // namespace snag
