#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/protobuf.h"

namespace snag {

// A file that TensorBoard shows: TFRecord frames of Event messages (tensorflow/core/util/event.proto, summary.proto).
// Its name must hold "tfevents". Values of one tag are one chart over steps. Error of Exit::io as in base/file.h.
class EventFile {
 public:
  // Opens `path` and cuts it to its first `keep` bytes, as AppendFile does; 0 starts the file anew.
  EventFile(std::string path, std::int64_t keep);

  void scalar(const std::string& tag, std::int64_t step, double value);
  void image(const std::string& tag, std::int64_t step, std::string_view png);
  // Thirty buckets of equal width over the finite values; nothing where there is none.
  void histogram(const std::string& tag, std::int64_t step, std::span<const float> values);
  // Precision and recall of "score >= t" for 201 thresholds from the lowest finite score to the highest; the plugin
  // shows these as 0 to 1. anomaly: 0 or 1 for each score.
  void precision_recall(const std::string& tag, std::int64_t step, std::span<const float> score,
                        std::span<const std::uint8_t> anomaly);

  // As AppendFile's.
  void sync() { file_.sync(); }
  std::int64_t size() const { return file_.size(); }

 private:
  void summary(std::int64_t step, const Proto& value);
  void write(Proto event);

  AppendFile file_;
};

}  // namespace snag
