#include "experiments/statistics.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdio>
#include <sstream>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

std::vector<double> sample(std::uint64_t number) {
  const int n = 2 + philox(number, Stream::sample, 0, 0).below(0, 12);
  std::vector<double> values;
  for (int i = 0; i < n; ++i)
    values.push_back(0.9 + 0.1 * philox(number, Stream::sample, 1, static_cast<std::uint64_t>(i)).uniform(0));
  return values;
}

TEST_CASE("means and confidence intervals agree with numpy and scipy on 200 samples") {
  constexpr int kSamples = 200;
  const TempFolder folder;
  std::ostringstream text;
  text.precision(17);
  for (std::uint64_t k = 0; k < kSamples; ++k) {
    for (const double v : sample(k)) text << v << ' ';
    text << '\n';
  }
  write_file(folder / "samples", text.str());
  const std::string command = "/usr/bin/python3 " SNAG_SOURCE_DIR "/tests/oracle/student.py " + folder / "samples";
  std::FILE* oracle = ::popen(command.c_str(), "r");
  REQUIRE(oracle != nullptr);
  int agreed = 0;
  double mean = 0, half = 0;
  for (; agreed < kSamples && std::fscanf(oracle, "%lf %lf", &mean, &half) == 2; ++agreed) {
    const Estimate e = estimate(sample(static_cast<std::uint64_t>(agreed)));
    CHECK(e.mean == doctest::Approx(mean).epsilon(1e-14));
    REQUIRE(e.half);
    CHECK(*e.half == doctest::Approx(half).epsilon(1e-9));
  }
  const int status = ::pclose(oracle);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    MESSAGE("skipped: no scipy for /usr/bin/python3");
    return;
  }
  CHECK(status == 0);
  CHECK(agreed == kSamples);
}

TEST_CASE("the interval of five values is that of a table of Student's t") {
  // t(0.975; 4) = 2.776; s = sqrt(2.5)
  const Estimate e = estimate(std::vector<double>{1, 2, 3, 4, 5});
  CHECK(e.n == 5);
  CHECK(e.mean == 3);
  CHECK(*e.half == doctest::Approx(2.776445 * 1.5811388 / 2.2360680).epsilon(1e-6));
}

TEST_CASE("one value has a mean and no interval, equal values one of no width") {
  CHECK(estimate(std::vector<double>{0.5}).mean == 0.5);
  CHECK(!estimate(std::vector<double>{0.5}).half);
  CHECK(*estimate(std::vector<double>{2, 2, 2}).half == 0);
  CHECK_THROWS_AS(estimate({}), std::logic_error);
}

}  // namespace
}  // namespace snag
