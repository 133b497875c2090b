#include "models/charts.h"

#include <map>
#include <vector>

#include "models/metrics.h"

namespace snag {

std::string chart_of_loss(const std::string& name) {
  static const std::map<std::string, std::string> students{
      {"reconstruction_normal", "Reconstructive Loss (Normal)"},
      {"reconstruction_anomalous", "Reconstructive Loss (Anomaly)"},
      {"discriminator_normal", "discriminator_loss_1"},
      {"discriminator_anomalous", "discriminator_loss_2"}};
  const auto found = students.find(name);
  return found == students.end() ? "losses/" + name : found->second;
}

void chart_scores(EventFile& events, const std::string& part, std::int64_t step, std::span<const float> score,
                  std::span<const std::uint8_t> anomaly) {
  events.scalar("AUROC (" + part + ")", step, auroc(score, anomaly));
  events.precision_recall("Precision-recall (" + part + ")", step, score, anomaly);
  const char* const kinds[] = {"normal", "anomalous"};
  for (const std::uint8_t kind : {0, 1}) {
    std::vector<float> of_kind;
    for (std::size_t i = 0; i < score.size(); ++i)
      if (anomaly[i] == kind) of_kind.push_back(score[i]);
    events.histogram("Scores (" + part + ")/" + kinds[kind], step, of_kind);
  }
}

}  // namespace snag
