#include "data/sampling.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>

#include "data/parallel.h"
#include "tests/host/data_files.h"

using namespace snag;

TEST_CASE("deal: equal shares, the remainder to the first, full holders passed over") {
  const struct {
    std::vector<int> room;
    int total;
    std::vector<int> share;
  } cases[] = {
      {{10, 10, 10}, 9, {3, 3, 3}},
      {{10, 10, 10}, 11, {4, 4, 3}},
      {{10, 10, 10}, 2, {1, 1, 0}},
      {{10, 10, 10}, 0, {0, 0, 0}},
      {{10, 2, 10}, 12, {5, 2, 5}},
      {{10, 2, 10}, 13, {6, 2, 5}},
      {{2, 10, 10}, 13, {2, 6, 5}},  // the shortfall of the first goes evenly to the others
      {{1, 3, 2, 100}, 50, {1, 3, 2, 44}},
      {{0, 5, 0, 5}, 3, {0, 2, 0, 1}},
      {{3, 4}, 7, {3, 4}},
      {{3, 4}, 100, {3, 4}},
      {{}, 5, {}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.total);
    CHECK(deal(c.room, c.total) == c.share);
  }
}

TEST_CASE("deal: the same as dealing one at a time") {
  for (std::uint64_t round = 0; round < 500; ++round) {
    std::vector<int> room;
    for (int i = 0; i < 6; ++i)
      room.push_back(philox(round, Stream::sample, 1, static_cast<std::uint64_t>(i)).below(0, 9));
    const int all = std::accumulate(room.begin(), room.end(), 0);
    const int total = philox(round, Stream::sample, 2, 0).below(0, all + 1);
    std::vector<int> share(room.size(), 0);
    for (std::size_t next = 0, dealt = 0; dealt < static_cast<std::size_t>(total); next = (next + 1) % room.size())
      if (share[next] < room[next]) {
        ++share[next];
        ++dealt;
      }
    CHECK(deal(room, total) == share);
  }
}

TEST_CASE("sample_at_random: distinct values of the pool, each as likely as the next") {
  const std::vector<int> pool{3, 5, 8, 13, 21};
  std::vector<int> times(22, 0);
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    const std::vector<int> chosen = sample_at_random(pool, 2, seed, 0);
    REQUIRE(chosen.size() == 2);
    CHECK(chosen[0] < chosen[1]);
    for (const int i : chosen) ++times[static_cast<std::size_t>(i)];
  }
  for (const int i : pool) CHECK(std::abs(times[static_cast<std::size_t>(i)] - 2000) < 175);  // 5 standard deviations
}

TEST_CASE("sample_by_cluster: the same number from each cluster, a small one topped up from the others") {
  // 60 black, 30 white and 4 grey images, shuffled by their index; two pixels of noise keep them distinct.
  Images images{94, 3, 3, {}};
  std::vector<int> kind;
  for (int i = 0; i < 94; ++i) {
    kind.push_back(i % 47 < 30 ? 0 : i % 47 < 45 ? 1 : 2);
    const auto noise = static_cast<std::uint8_t>(i % 10);
    const auto tone = static_cast<std::uint8_t>(kind.back() == 0 ? 0 : kind.back() == 1 ? 240 : 120);
    for (int p = 0; p < 9; ++p) images.pixels.push_back(p < 7 ? tone : noise);
  }
  std::vector<int> pool(94);
  std::iota(pool.begin(), pool.end(), 0);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const ClusterSample sample = sample_by_cluster(images, pool, 24, 3, seed, 0, 1);
    std::vector<int> drawn(3, 0);
    for (const int i : sample.chosen) ++drawn[static_cast<std::size_t>(kind[static_cast<std::size_t>(i)])];
    CHECK(drawn == std::vector<int>{10, 10, 4});
    CHECK(std::is_sorted(sample.chosen.begin(), sample.chosen.end()));
    CHECK(std::adjacent_find(sample.chosen.begin(), sample.chosen.end()) == sample.chosen.end());
    REQUIRE(sample.clusters.size() == 3);
    for (const ClusterDraw& c : sample.clusters) {
      const int expected = c.size == 4 ? 4 : 10;
      CHECK((c.size == 60 || c.size == 30 || c.size == 4));
      CHECK(c.drawn == expected);
    }
  }
}

TEST_CASE("run_tasks: runs each task once, on any number of threads") {
  for (const int threads : {-1, 0, 1, 2, 8})
    for (const int count : {0, 1, 7, 100}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(count));
      run_tasks(count, threads, [&](int i) { ++runs[static_cast<std::size_t>(i)]; });
      for (const auto& r : runs) CHECK(r == 1);
    }
}

TEST_CASE("run_tasks: an exception reaches the caller, that of the lowest task, after all tasks") {
  for (const int threads : {1, 3}) {
    std::atomic<int> runs{0};
    const auto fail = [&](int i) {
      ++runs;
      if (i >= 4) throw std::runtime_error(std::to_string(i));
    };
    CHECK_THROWS_WITH(run_tasks(20, threads, fail), "4");
    CHECK(runs == 20);
  }
}
