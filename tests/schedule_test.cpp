#include "kernels/schedule/schedule.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <set>

#include "tests/op_cases.h"
#include "tests/small_training.h"
#include "tests/support.h"

namespace snag {
namespace {

// ---- operands: what a kernel says of the memory that it touches

// Runs each kernel again with all memory changed that is not among its operands: it must write the same, and nothing
// but what it says that it writes. And once more in other memory.
class OperandCheck : public Backend {
 public:
  explicit OperandCheck(std::size_t bytes) : memory_(bytes) {}

  void run(const Kernel& kernel) override {
    seen.insert(kernel.index());
    const std::vector<Operand> all = operands(kernel);
    std::vector<std::byte> before = memory_;
    backend_->run(kernel);
    std::vector<std::byte> after = memory_;
    CHECK(changed_elsewhere(before, after, all) == 0);
    if (reads_the_data_set(kernel)) return;
    std::fill(memory_.begin(), memory_.end(), std::byte{0xA5});
    for (const Operand& o : all) std::memcpy(at(memory_, o), at(before, o), o.bytes);
    backend_->run(kernel);
    for (const Operand& o : all) CHECK(std::memcmp(at(memory_, o), at(after, o), o.bytes) == 0);
    // the same elsewhere, while here nothing changes
    Kernel moved = kernel;
    relocate(moved, [&](const std::byte* p) { return before.data() + (p - memory_.data()); });
    memory_ = after;
    backend_->run(moved);
    CHECK(before == after);
    CHECK(memory_ == after);
  }

  void* alloc(std::size_t bytes) override {
    void* p = memory_.data() + used_;
    used_ += (bytes + 63) / 64 * 64;
    REQUIRE(used_ <= memory_.size());
    return p;
  }
  std::size_t mark() const override { return used_; }
  void rewind(std::size_t mark) override { used_ = mark; }
  std::size_t peak() const override { return used_; }
  void upload(void* device, const void* host, std::size_t bytes) override { std::memcpy(device, host, bytes); }
  void download(void* host, const void* device, std::size_t bytes) override { std::memcpy(host, device, bytes); }
  std::unique_ptr<Recording> record(std::function<void()> step) override { return backend_->record(std::move(step)); }
  std::string name() const override { return "operands"; }

  std::set<std::size_t> seen;

 private:
  template <class T>
  T* at(std::vector<T>& bytes, const Operand& o) const {
    const auto place = static_cast<std::size_t>(o.begin - memory_.data());
    REQUIRE(place + o.bytes <= memory_.size());
    return bytes.data() + place;
  }
  static bool reads_the_data_set(const Kernel& k) { return std::holds_alternative<GatherBatch>(k); }
  std::size_t changed_elsewhere(const std::vector<std::byte>& before, const std::vector<std::byte>& after,
                                const std::vector<Operand>& all) const {
    std::vector<char> allowed(before.size(), 0);
    for (const Operand& o : all)
      if (o.written) std::memset(at(allowed, o), 1, o.bytes);
    std::size_t count = 0;
    for (std::size_t i = 0; i < before.size(); ++i) count += before[i] != after[i] && !allowed[i];
    return count;
  }

  std::unique_ptr<Backend> backend_ = portable_backend();
  std::vector<std::byte> memory_;
  std::size_t used_ = 0;
};

TEST_CASE("a kernel's operands are all the memory that it reads and writes") {
  OperandCheck backend(std::size_t{1} << 18);
  for (const OpCase& op : op_cases()) {
    if (op.proof == Proof::parity) continue;
    CAPTURE(op.op);
    CAPTURE(op.what);
    Tape tape(backend);
    const std::vector<Numbers> values = draw(op);
    std::vector<Tensor> in;
    for (std::size_t i = 0; i < values.size(); ++i) in.push_back(put(tape, op.inputs[i].shape, values[i]));
    const Tensor loss = sum(op.run(in));
    tape.grad(loss, in);
    tape.rewind({});
  }
  // What no op runs: the optimiser, batches, counters, losses.
  Config config = small("dual_gan");
  config.width = 1;
  config.batch_size = 2;
  OperandCheck training(std::size_t{1} << 20);
  Trainer trainer(training, config, pictures(2, 2));
  trainer.run_step();
  std::set<std::size_t> seen = backend.seen;
  seen.merge(training.seen);
  CHECK(seen.size() == std::variant_size_v<Kernel>);
}

// ---- the order of a schedule

const std::byte* cell(int i) { return reinterpret_cast<const std::byte*>(static_cast<std::uintptr_t>(1000 + i)); }

// What memory holds after a task: a mixture of its number and of all that it saw.
void run(const Task& t, int number, std::vector<std::uint64_t>& memory) {
  std::uint64_t mixed = static_cast<std::uint64_t>(number) + 1;
  const auto each = [&](bool written, auto f) {
    for (const Operand& o : t.operands)
      if (o.written == written)
        for (std::size_t i = 0; i < o.bytes; ++i) f(memory[static_cast<std::size_t>(o.begin - cell(0)) + i]);
  };
  const auto mix = [&](std::uint64_t& m) { mixed = (mixed ^ m) * 0x9E3779B97F4A7C15u + (mixed >> 29); };
  each(false, mix);
  each(true, mix);
  each(true, [&](std::uint64_t& m) { m = mixed++; });
}

TEST_CASE("a schedule gives what its tasks give one after another, in any order that its launches allow") {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 200; ++round) {
    const int cells = 4 + below(40), count = 1 + below(60);
    const std::vector<int> capacity{1 + below(4), 1 + below(4), 1 + below(4)};  // of each program
    std::vector<Task> tasks(static_cast<std::size_t>(count));
    for (Task& t : tasks) {
      t.small = below(3) > 0;
      t.program = below(3);
      t.capacity = capacity[static_cast<std::size_t>(t.program)];
      for (int k = 1 + below(3); k > 0; --k) {
        const int begin = below(cells);
        t.operands.push_back(
            {cell(begin), static_cast<std::size_t>(1 + below(std::min(3, cells - begin))), below(2) == 0});
      }
    }
    std::vector<std::uint64_t> expected(static_cast<std::size_t>(cells), 1), x = expected;
    for (int i = 0; i < count; ++i) run(tasks[static_cast<std::size_t>(i)], i, expected);
    const std::vector<Launch> launches = schedule(tasks);
    std::vector<char> done(launches.size(), 0);
    int ran = 0;
    for (std::size_t left = launches.size(); left > 0; --left) {
      std::vector<std::size_t> ready;
      for (std::size_t l = 0; l < launches.size(); ++l) {
        const auto ended = [&](int a) { return done[static_cast<std::size_t>(a)] != 0; };
        if (!done[l] && std::all_of(launches[l].after.begin(), launches[l].after.end(), ended)) ready.push_back(l);
      }
      REQUIRE(!ready.empty());
      const std::size_t next = ready[static_cast<std::size_t>(below(static_cast<int>(ready.size())))];
      done[next] = 1;
      std::vector<int> members = launches[next].tasks;
      const Task& first = tasks[static_cast<std::size_t>(members.at(0))];
      CHECK(members.size() <= static_cast<std::size_t>(first.capacity));
      std::shuffle(members.begin(), members.end(), random);
      for (const int i : members) {
        const Task& t = tasks[static_cast<std::size_t>(i)];
        CHECK(t.program == first.program);
        CHECK((t.small || members.size() == 1));
        run(t, i, x);
        ++ran;
      }
    }
    CHECK(ran == count);
    CHECK(x == expected);
  }
}

Operand reads(int i) { return {cell(i), 1, false}; }
Operand writes(int i) { return {cell(i), 1, true}; }

TEST_CASE("small works that are equally deep share a launch, and a launch waits for no more than it must") {
  // Two networks side by side, two layers each, with a large weight gradient that only reads; then what needs all.
  const std::vector<Task> tasks{
      {.operands = {reads(0), writes(1)}, .program = 0, .capacity = 8},
      {.operands = {reads(1), writes(2)}, .program = 1, .capacity = 8},
      {.operands = {reads(1), writes(3)}, .program = 2, .small = false},
      {.operands = {reads(10), writes(11)}, .program = 0, .capacity = 8},
      {.operands = {reads(11), writes(12)}, .program = 1, .capacity = 8},
      {.operands = {reads(11), writes(13)}, .program = 2, .small = false},
      {.operands = {reads(1), reads(2), reads(12), reads(3), reads(13), writes(20)}, .program = 3},
  };
  const std::vector<Launch> launches = schedule(tasks);
  REQUIRE(launches.size() == 5);
  CHECK(launches[0].tasks == std::vector{0, 3});
  CHECK(launches[1].tasks == std::vector{1, 4});
  CHECK(launches[2].tasks == std::vector{2});
  CHECK(launches[3].tasks == std::vector{5});
  CHECK(launches[4].tasks == std::vector{6});
  for (const int l : {1, 2, 3}) CHECK(launches[static_cast<std::size_t>(l)].after == std::vector{0});
  CHECK(launches[4].after == std::vector{3, 2, 1});  // not 0, which those wait for
  CHECK(launches[4].waits == std::vector<char>{1, 1, 1, 1});
  CHECK(longest_chain(launches) == 3);
}

TEST_CASE("launches that may run at once have memory of their own, others take it over") {
  const std::vector<Task> tasks{
      {.operands = {writes(1)}, .program = 0},           {.operands = {writes(2)}, .program = 1},
      {.operands = {reads(1), writes(3)}, .program = 0}, {.operands = {reads(2), writes(4)}, .program = 1},
      {.operands = {reads(3), writes(5)}, .program = 0},
  };
  const std::vector<Launch> launches = schedule(tasks);
  REQUIRE(launches.size() == 5);
  const std::vector<std::size_t> sizes{100, 40, 60, 0, 30};
  const Places places = place(launches, sizes);
  CHECK(places.size == 140);
  CHECK(places.begin == std::vector<std::size_t>{0, 100, 0, 0, 0});
  for (std::size_t i = 0; i < launches.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!launches[i].waits[j] && sizes[i] > 0 && sizes[j] > 0)
        CHECK((places.begin[i] + sizes[i] <= places.begin[j] || places.begin[j] + sizes[j] <= places.begin[i]));
}

}  // namespace
}  // namespace snag
