#pragma once
#include <string>
#include <vector>

#include "models/run_record.h"

namespace snag {

// The parts of report.html (models/report.h), each a piece of HTML; empty where the run has nothing to show.

std::string headline(const RunRecord&);
std::string pictures(const RunRecord&);          // the last reconstructions, and how they came about
std::string case_figures(const RunRecord&);      // test images with the most to say
std::string score_figures(const RunRecord&);     // histogram, curves, AUROC of each class and epoch
std::string curve_figures(const RunRecord&);     // ROC and precision-recall with their bands, decisions
std::string training_figures(const RunRecord&);  // losses
std::string settings_tables(const RunRecord&);

// Shared by the parts.

struct Key {
  std::string css, glyph, text;
};
// A plot in its frame: heading, keys, drawing, remark. All but the drawing are escaped here.
std::string figure(const std::string& heading, const std::vector<Key>& keys, const std::string& svg,
                   const std::string& remark = "");

// (share of normal images reported, share of anomalies reported) at each threshold, from the highest score down; equal
// scores are one step.
std::vector<Point> roc_curve(const RunRecord&);
// (recall, precision) at the same thresholds, from the first anomaly on.
std::vector<Point> precision_recall_curve(const RunRecord&);

float threshold(const RunRecord&);
double number_of(const RunRecord&, int kind);  // test images; kind 0: normal, 1: anomalous
double reported(const RunRecord&, int kind);   // of them at or above the threshold

// A whole page; `body` is HTML, `title` is escaped here.
std::string html_page(const std::string& title, const std::string& style, const std::string& body);

// Big-endian, where a PNG's header has them.
struct PngSize {
  int width = 0, height = 0;
};
PngSize png_size(const std::string& png);

// "6 Shirt": the class and Fashion-MNIST's name for it.
std::string class_name(const std::string& label);
// The same for a run, whose data may name its classes itself.
std::string class_name(const RunRecord&, const std::string& label);
std::string normal_classes(const RunRecord&);  // "0 T-shirt/top, 2 Pullover"
// 0.1234 as "12.3%".
std::string percentage(double share);

extern const char* const report_style;  // CSS
extern const char* const series_style;  // colours s0 to s9 for curves of many runs

}  // namespace snag
