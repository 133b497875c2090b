#pragma once
#include <optional>
#include <string>

namespace snag {

// What detect says of one image.
struct Detection {
  std::string path;
  float score = 0, threshold = 0;
  std::optional<double> confidence;     // models/decision.h
  std::optional<std::string> heat_map;  // the file it was drawn to
  bool anomalous() const { return score >= threshold; }
};

enum class Form { table, csv, json };

// A line of the form, with its end. Numbers are the shortest that read back as the same float.
//   table: anomalous, confidence, score, threshold, path; in colour where the terminal shows it
//   csv (RFC 4180): path,score,threshold,anomalous,confidence[,heat_map]; what is not known is empty
//   json: an object a line with the same keys; what is not known is null
std::string header(Form, bool with_heat_maps);  // empty for json
std::string line(Form, const Detection&, bool colour);

}  // namespace snag
