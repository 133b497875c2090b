#include "apps/detections.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/file.h"
#include "models/decision.h"
#include "models/metrics.h"
#include "tests/host/data_files.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

const Detection kAnomalous{"parts/a.png", 0.25f, 0.125f, 0.875, {}}, kNormal{"b.jpg", -1.5e-7f, 0.1f, {}, {}},
    kDrawn{"say \"hi\", \xc3\xa9.png", 3, 0.1f, 1, "maps/x.png"}, kLatin{"caf\xe9.png", 0.1f, 0.2f, 0, {}};

TEST_CASE("the form of CSV") {
  CHECK(header(Form::csv, false) == "path,score,threshold,anomalous,confidence\n");
  CHECK(header(Form::csv, true) == "path,score,threshold,anomalous,confidence,heat_map\n");
  CHECK(line(Form::csv, kAnomalous, true) == "parts/a.png,0.25,0.125,yes,0.875\n");
  CHECK(line(Form::csv, kNormal, false) == "b.jpg,-1.5e-07,0.1,no,\n");
  CHECK(line(Form::csv, kDrawn, false) == "\"say \"\"hi\"\", \xc3\xa9.png\",3,0.1,yes,1,maps/x.png\n");
}

TEST_CASE("the form of JSON") {
  CHECK(header(Form::json, true).empty());
  CHECK(line(Form::json, kAnomalous, true) ==
        "{\"path\": \"parts/a.png\", \"score\": 0.25, \"threshold\": 0.125, \"anomalous\": true, \"confidence\": "
        "0.875}\n");
  CHECK(line(Form::json, kNormal, false) ==
        "{\"path\": \"b.jpg\", \"score\": -1.5e-07, \"threshold\": 0.1, \"anomalous\": false, \"confidence\": null}\n");
  CHECK(line(Form::json, kDrawn, false) ==
        "{\"path\": \"say \\\"hi\\\", \xc3\xa9.png\", \"score\": 3, \"threshold\": 0.1, \"anomalous\": true, "
        "\"confidence\": 1, \"heat_map\": \"maps/x.png\"}\n");
  CHECK(line(Form::json, kLatin, false).find("caf\xef\xbf\xbd.png") != std::string::npos);  // no UTF-8: replaced
}

TEST_CASE("the form of the table") {
  CHECK(header(Form::table, false) == "anomalous  confidence         score     threshold  image\n");
  CHECK(line(Form::table, kAnomalous, false) == "yes             0.875          0.25         0.125  parts/a.png\n");
  CHECK(line(Form::table, kNormal, true) == "no                  -      -1.5e-07           0.1  b.jpg\n");
  CHECK(line(Form::table, kAnomalous, true) ==
        "\x1b[31myes             0.875          0.25         0.125  parts/a.png\x1b[0m\n");
}

TEST_CASE("a threshold reports at most the share that is asked for") {
  const std::vector<float> score{1, 5, 2, 4, 3, 3, 2, 1, 0, 0};
  for (const double rate : {0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.99}) {
    const float t = threshold_at(score, rate);
    const auto reported = std::count_if(score.begin(), score.end(), [&](float s) { return s >= t; });
    CHECK(static_cast<double>(reported) <= rate * 10);
    const float below = std::nextafter(t, -1.f);  // the next lower one reports more
    CHECK(static_cast<double>(std::count_if(score.begin(), score.end(), [&](float s) { return s >= below; })) >
          rate * 10);
  }
  CHECK(threshold_at(score, 1) == 0);
  data_test::check_error([] { threshold_at({}, 0.1); }, Exit::data, "no normal");
}

TEST_CASE("confidence is the share of the other kind beyond an image") {
  const TempFolder folder;
  write_file(folder / "validation.csv",
             "index,label,anomaly,score\n0,0,0,1\n1,0,0,2\n2,0,0,3\n3,0,0,4\n4,1,1,3\n5,1,1,5\n");
  const Decision d(folder.path());
  CHECK(d.normal_images() == 4);
  CHECK(d.confidence(3.5f, true) == 0.75);
  CHECK(d.confidence(3, true) == 0.5);  // an equal score is not beyond
  CHECK(d.confidence(9, true) == 1);
  CHECK(d.confidence(3, false) == 0.5);
  CHECK(d.confidence(0, false) == 1);
  CHECK(d.threshold_for(0.25) == std::nextafter(3.f, 4.f));
  write_file(folder / "validation.csv", "index,label,anomaly,score\n0,0,0,1\n");
  CHECK_FALSE(Decision(folder.path()).confidence(0, false).has_value());
  write_file(folder / "validation.csv", "index,label,anomaly\n0,0,0\n");
  data_test::check_error([&] { Decision(folder.path()); }, Exit::data, "no column 'score'");
}

}  // namespace
}  // namespace snag
