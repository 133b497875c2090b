#pragma once
#include <functional>
#include <string>
#include <vector>

#include "models/experiment.h"
#include "models/judge.h"

namespace snag {

// The test images that say most about a detector, for the report.
enum class CaseKind { missed, false_alarm, borderline, found, passed };

// The name that a kind has in cases.csv.
const char* name_of(CaseKind);
inline constexpr CaseKind all_case_kinds[] = {CaseKind::missed, CaseKind::false_alarm, CaseKind::borderline,
                                              CaseKind::found, CaseKind::passed};

struct Case {
  CaseKind kind;
  int index;  // of the test image
};

// Up to `each` of a kind, the clearest first: anomalies below the threshold from the lowest score up (missed), normal
// images at or above it from the highest down (false alarms), images nearest to the threshold on the side of their kind
// (borderline), anomalies from the highest score down (found), normal images from the lowest up (passed). An image
// stands there once. Equal scores come in the order of their images.
std::vector<Case> choose_cases(const std::vector<float>& score, const std::vector<std::uint8_t>& anomaly,
                               float threshold, int each);

// Files of a run's folder: kind,index,label,anomaly,score of each case; and their tiles (models/tiles.h) side by side,
// sample_layout's gap between them.
inline constexpr const char* cases_table = "cases.csv";
inline constexpr const char* cases_picture = "cases.png";
// `reconstruct` gives reconstructions, or none.
void write_cases(const std::string& folder, const Labelled& test, const std::vector<float>& score, float threshold,
                 const std::function<std::vector<float>(const Images&)>& reconstruct);

}  // namespace snag
