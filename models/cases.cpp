#include "models/cases.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <sstream>

#include "base/file.h"
#include "models/sample_layout.h"
#include "models/tiles.h"

namespace snag {
namespace {

constexpr int kOfAKind = 6;

}  // namespace

const char* name_of(CaseKind kind) {
  const char* const names[] = {"missed", "false_alarm", "borderline", "found", "passed"};
  return names[static_cast<int>(kind)];
}

std::vector<Case> choose_cases(const std::vector<float>& score, const std::vector<std::uint8_t>& anomaly,
                               float threshold, int each) {
  std::vector<Case> cases;
  std::vector<char> taken(score.size(), 0);
  const auto take = [&](CaseKind kind, auto wanted, auto rank) {
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < score.size(); ++i)
      if (!taken[i] && wanted(i)) candidates.push_back(i);
    std::stable_sort(candidates.begin(), candidates.end(), [&](auto a, auto b) { return rank(a) < rank(b); });
    candidates.resize(std::min(candidates.size(), static_cast<std::size_t>(each)));
    for (const std::size_t i : candidates) {
      cases.push_back({kind, static_cast<int>(i)});
      taken[i] = 1;
    }
  };
  const auto odd = [&](std::size_t i) { return anomaly[i] == 1; };
  const auto normal = [&](std::size_t i) { return anomaly[i] == 0; };
  const auto reported = [&](std::size_t i) { return score[i] >= threshold; };
  const auto low = [&](std::size_t i) { return score[i]; };
  const auto high = [&](std::size_t i) { return -score[i]; };
  take(
      CaseKind::missed, [&](auto i) { return odd(i) && !reported(i); }, low);
  take(
      CaseKind::false_alarm, [&](auto i) { return normal(i) && reported(i); }, high);
  take(
      CaseKind::borderline, [&](auto i) { return odd(i) == reported(i); },
      [&](std::size_t i) { return std::abs(score[i] - threshold); });
  take(
      CaseKind::found, [&](auto i) { return odd(i) && reported(i); }, high);
  take(
      CaseKind::passed, [&](auto i) { return normal(i) && !reported(i); }, low);
  return cases;
}

void write_cases(const std::string& folder, const Labelled& test, const std::vector<float>& score, float threshold,
                 const std::function<std::vector<float>(const Images&)>& reconstruct) {
  using namespace sample_layout;
  const std::vector<Case> cases = choose_cases(score, test.anomaly, threshold, kOfAKind);
  std::vector<int> chosen;
  std::ostringstream csv;
  csv << "kind,index,label,anomaly,score\n" << std::setprecision(9);
  for (const Case& c : cases) {
    const auto i = static_cast<std::size_t>(c.index);
    chosen.push_back(c.index);
    csv << name_of(c.kind) << ',' << c.index << ',' << int(test.label[i]) << ',' << int(test.anomaly[i]) << ','
        << score[i] << '\n';
  }
  const Images images = pick(test.images, chosen);
  const std::vector<float> made = reconstruct(images);
  Canvas canvas(images.count * (kTile + kGap) - kGap, made.empty() ? kTile : 3 * (kTile + kGap) - kGap);
  for (int i = 0; i < images.count; ++i)
    draw_tiles(canvas, i * (kTile + kGap), 0, images, i, of_image(made, images, i));
  canvas.write(folder + "/" + cases_picture);
  write_file(folder + "/" + cases_table, csv.str());
}

}  // namespace snag
