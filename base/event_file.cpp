#include "base/event_file.h"

#include <algorithm>
#include <bit>
#include <array>
#include <chrono>
#include <cmath>
#include <vector>

#include "base/little_endian.h"

namespace snag {
namespace {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4), reflected polynomial 0x82f63b78.
std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int bit = 0; bit < 8; ++bit) t[i] = t[i] >> 1 ^ (t[i] & 1 ? 0x82f63b78u : 0);
    }
    return t;
  }();
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ crc >> 8;
  return ~crc;
}

// TFRecord's mask, so that a checksum of data that holds checksums is no weak one (tensorflow/core/lib/hash/crc32c.h).
std::string masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return little_endian((crc >> 15 | crc << 17) + 0xa282ead8u);
}

std::uint32_t big_endian_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4 && i < bytes.size(); ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::vector<float> finite(std::span<const float> values) {
  std::vector<float> kept;
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept), [](float v) { return std::isfinite(v); });
  return kept;
}

Proto tagged(const std::string& tag) { return Proto().text(1, tag); }

}  // namespace

EventFile::EventFile(std::string path, std::int64_t keep) : file_(std::move(path), keep) {
  if (file_.size() == 0) write(Proto().text(3, "brain.Event:2"));
}

void EventFile::write(Proto event) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string data = event.real64(1, std::chrono::duration<double>(now).count()).wire();
  const std::string length = little_endian(std::uint64_t{data.size()});
  file_.append(length + masked_crc(length) + data + masked_crc(data));
}

void EventFile::summary(std::int64_t step, const Proto& value) {
  write(Proto().integer(2, step).message(5, Proto().message(1, value)));
}

void EventFile::scalar(const std::string& tag, std::int64_t step, double value) {
  summary(step, tagged(tag).real32(2, static_cast<float>(value)));
}

void EventFile::image(const std::string& tag, std::int64_t step, std::string_view png) {
  constexpr std::size_t kWidth = 16, kHeight = 20;  // where a PNG's header has its sizes
  constexpr int kRgb = 3;
  summary(step, tagged(tag).message(4, Proto()
                                           .integer(1, big_endian_at(png, kHeight))
                                           .integer(2, big_endian_at(png, kWidth))
                                           .integer(3, kRgb)
                                           .text(4, png)));
}

void EventFile::histogram(const std::string& tag, std::int64_t step, std::span<const float> values) {
  constexpr std::size_t kBuckets = 30;
  const std::vector<float> kept = finite(values);
  if (kept.empty()) return;
  const auto [least, most] = std::minmax_element(kept.begin(), kept.end());
  const double low = *least, width = (double{*most} - low) / kBuckets;
  double sum = 0, squares = 0;
  std::array<double, kBuckets> count{};
  for (const double v : kept) {
    sum += v;
    squares += v * v;
    ++count[width > 0 ? std::min(static_cast<std::size_t>((v - low) / width), kBuckets - 1) : kBuckets - 1];
  }
  Proto histogram;
  histogram.real64(1, low)
      .real64(2, *most)
      .real64(3, static_cast<double>(kept.size()))
      .real64(4, sum)
      .real64(5, squares);
  for (std::size_t i = 0; i < kBuckets; ++i)  // right ends; the last is the maximum to the bit
    histogram.real64(6, i + 1 == kBuckets ? *most : low + width * static_cast<double>(i + 1));
  for (const double n : count) histogram.real64(7, n);
  summary(step, tagged(tag).message(5, histogram));
}

void EventFile::precision_recall(const std::string& tag, std::int64_t step, std::span<const float> score,
                                 std::span<const std::uint8_t> anomaly) {
  constexpr std::size_t kThresholds = 201;
  const std::vector<float> kept = finite(score);
  if (kept.empty()) return;
  const auto [least, most] = std::minmax_element(kept.begin(), kept.end());
  const float low = *least, high = *most;
  std::array<std::vector<float>, 2> sorted;
  for (std::size_t i = 0; i < score.size(); ++i) sorted[anomaly[i]].push_back(score[i]);
  for (std::vector<float>& s : sorted) std::sort(s.begin(), s.end());
  const auto reported = [&](int kind, float t) {
    return static_cast<double>(sorted[kind].end() - std::lower_bound(sorted[kind].begin(), sorted[kind].end(), t));
  };
  // Rows of the pr_curves plugin: true positives, false positives, true negatives, false negatives, precision, recall.
  std::array<std::string, 6> row;
  for (std::size_t i = 0; i < kThresholds; ++i) {
    const float share = static_cast<float>(i) / (kThresholds - 1);
    const double hits = reported(1, std::lerp(low, high, share)), alarms = reported(0, std::lerp(low, high, share));
    const auto all = [&](int kind) { return static_cast<double>(sorted[kind].size()); };
    const double cells[] = {hits,
                            alarms,
                            all(0) - alarms,
                            all(1) - hits,
                            hits + alarms > 0 ? hits / (hits + alarms) : 0,
                            all(1) > 0 ? hits / all(1) : 0};
    for (std::size_t r = 0; r < row.size(); ++r)
      row[r] += little_endian(std::bit_cast<std::uint32_t>(static_cast<float>(cells[r])));
  }
  std::string content;
  for (const std::string& r : row) content += r;
  const auto extent = [](std::size_t n) { return Proto().integer(1, static_cast<std::int64_t>(n)); };
  constexpr int kFloat = 1, kTensorClass = 2;  // DT_FLOAT, DATA_CLASS_TENSOR
  const Proto tensor = Proto()
                           .integer(1, kFloat)
                           .message(2, Proto().message(2, extent(row.size())).message(2, extent(kThresholds)))
                           .text(4, content);
  const Proto plugin =
      Proto().text(1, "pr_curves").message(2, Proto().integer(2, static_cast<std::int64_t>(kThresholds)));
  summary(step, tagged(tag).message(8, tensor).message(9, Proto().message(1, plugin).integer(4, kTensorClass)));
}

}  // namespace snag
