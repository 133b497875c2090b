#include "models/report.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/canvas.h"
#include "base/file.h"
#include "models/run_folder.h"
#include "tests/error_of.h"
#include "tests/temp_folder.h"

namespace snag {
namespace {

// A small finished run: two normal images and four anomalies.
class Run {
 public:
  Run() {
    std::filesystem::create_directory(folder / "samples");
    write("config.json", R"({"model": "dual_gan", "epochs": 3, "seed": 0, "not_a_setting": "a <b> & c"})");
    write("environment.json", R"({"device": "cpu, 2 threads"})");
    write("scores.csv",
          "index,label,anomaly,score\n0,0,0,0.1\n1,0,0,0.6\n2,1,1,0.3\n3,6,1,0.5\n4,6,1,0.7\n5,1,1,0.9\n");
    write("metrics.csv",
          "epoch,step,learning_rate,images_per_second,generator,reconstruction_normal,abc_anomalous,"
          "discriminator_anomalous,discriminator_normal,validation_auroc\n"
          "1,10,0.001,99,5,0.5,2,0.5,0.49,0.8\n2,20,0.001,99,4,,1.5,0.4,0.35,\n2,25,0.001,99,3,0.25,1,0.375,0.3125,0."
          "9\n");
    summary(nlohmann::json::object());
  }

  void write(const std::string& name, const std::string& text) { write_file(folder / name, text); }
  void summary(const nlohmann::json& changes) {
    nlohmann::json json{{"model", "dual_gan"},
                        {"normal_class", {0}},
                        {"seed", 7},
                        {"auroc", 0.71234},
                        {"average_precision", 0.82346},
                        {"best_f1", 0.73456},
                        {"threshold", 0.5},
                        {"balanced_accuracy", 0.64567},
                        {"auroc_per_class", {{"1", 0.51928}, {"6", 0.43216}}},
                        {"train_normal", 5700},
                        {"epochs", 1}};
    json.update(changes);
    write("summary.json", json.dump());
  }
  void picture(const std::string& name, int columns) {
    const Images images{columns, 32, 32, std::vector<std::uint8_t>(static_cast<std::size_t>(columns * 32 * 32))};
    write_samples(folder / ("samples/" + name), images, columns / 2, std::vector<float>(images.pixels.size()));
  }
  std::string page() const {
    write_report(folder.path());
    return read_file(folder / "report.html");
  }

  TempFolder folder;
};

std::size_t count_of(const std::string& what, const std::string& text) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

void check_holds(const std::string& page, std::initializer_list<const char*> parts) {
  for (const std::string part : parts) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
}

// Each tag is closed in its turn, as XML wants it; the first that is not, or "".
std::string unbalanced(const std::string& page) {
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const std::size_t end = page.find('>', at);
    if (end == std::string::npos) return page.substr(at);
    const std::string tag = page.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos || count_of("\"", tag) % 2 != 0) return tag;
    const std::string name = tag.substr(0, tag.find_first_of(" \n"));
    if (tag.front() == '!' || tag.back() == '/') continue;
    if (tag.front() != '/') {
      open.push_back(name);
    } else {
      if (open.empty() || name != "/" + open.back()) return tag;
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back();
}

TEST_CASE("the report tells the summary's numbers and names the classes") {
  const Run run;
  check_holds(run.page(), {"<h1>dual_gan</h1>", "0 T-shirt/top", "seed 7", "0.7123", "0.8235", "0.7346", "0.6457",
                           "0.5193", "0.4322", "1 Trouser", "6 Shirt", "5,700 normal training images", "1 epoch<",
                           "cpu, 2 threads", "a &lt;b&gt; &amp; c"});
}

TEST_CASE("the ROC curve's point at the threshold follows from the scores") {
  const Run run;
  check_holds(run.page(), {"75.0% of the anomalies and 50.0% of the normal images", "threshold 0.5", "2 normal",
                           "4 anomalous", "guessing: 0.6667"});
}

TEST_CASE("one drawing for each plot, and the line that discriminators which learned nothing keep to") {
  const Run run;
  const std::string page = run.page();
  CHECK(count_of("<svg class=\"plot\"", page) == 9);
  check_holds(page, {"Validation AUROC", "best 0.9000 in epoch 2", "Total loss", "Discriminators", "normal 0.312",
                     "anomalous 0.375", "0.5 = 0.25 per term: learned nothing", "Generator, normal images",
                     "reconstruction 0.25", "Generator, anomalous images", "abc 1"});
}

TEST_CASE("a run without training has a report without curves and pictures") {
  const Run run;
  std::filesystem::remove(run.folder / "metrics.csv");
  std::filesystem::remove(run.folder / "samples");
  const std::string page = run.page();
  CHECK(count_of("<svg", page) == 4);
  CHECK(unbalanced(page).empty());
  CHECK(page.find("How it learned") == std::string::npos);
}

TEST_CASE("the page is well-formed and asks for nothing outside itself") {
  Run run;
  run.picture("epoch-001.png", 16);
  const std::string page = run.page();
  CHECK(unbalanced(page) == "");
  for (const std::string outside : {"http", "<script", "<link", "<iframe", "@import", "//"}) {
    CAPTURE(outside);
    // Base64 has slashes of its own.
    CHECK(page.substr(0, page.find("data:image")).find(outside) == std::string::npos);
    CHECK(page.substr(page.find("</defs>")).find(outside) == std::string::npos);
  }
  for (const char* attribute : {" href=\"", " src=\"", "url("})
    for (std::size_t at = page.find(attribute); at != std::string::npos; at = page.find(attribute, at + 1)) {
      const std::string target = page.substr(at + std::string(attribute).size(), 15);
      CAPTURE(target);
      CHECK((target.front() == '#' || target == "data:image/png;"));
    }
}

TEST_CASE("what comes from the files is escaped") {
  Run run;
  const char* const evil = "<script>alert(\"1\")</script>";
  run.summary({{"model", evil}, {"auroc_per_class", {{evil, 0.5}}}});
  run.write("environment.json", nlohmann::json{{evil, evil}}.dump());
  run.write("metrics.csv", std::string("epoch,step,") + evil + "\n1,1,0.5\n");
  const std::string page = run.page();
  CHECK(page.find("<script") == std::string::npos);
  CHECK(unbalanced(page) == "");
  check_holds(page, {"<h1>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</h1>"});
}

TEST_CASE("pictures are cut into rows: the last one's three, and one for each stage of the training") {
  Run run;
  for (const char* name : {"epoch-001-step-000010.png", "epoch-001.png", "epoch-002.png", "other.png"})
    run.picture(name, 16);
  const std::string page = run.page();
  CHECK(count_of("data:image/png;base64,iVBOR", page) == 3);
  CHECK(count_of("<svg class=\"tiles\"", page) == 2 * 3 + 2 * (1 + 3));
  check_holds(page, {"What comes back <small>epoch\u00a0"
                     "2<",
                     "epoch\u00a0"
                     "1, step\u00a0"
                     "10"});
  CHECK(page.find("step\u00a0"
                  "10<") < page.rfind("epoch\u00a0"
                                      "1<"));
  CHECK(count_of("<svg class=\"plot\"", page) == 9);
}

TEST_CASE("of many pictures a few are shown, more of the early ones, the last among them") {
  Run run;
  run.picture("epoch-001.png", 16);
  for (int e = 2; e <= 40; ++e)
    std::filesystem::copy(
        run.folder / "samples/epoch-001.png",
        run.folder / ("samples/epoch-" + std::string(e < 10 ? "00" : "0") + std::to_string(e) + ".png"));
  const std::string page = run.page();
  CHECK(count_of("data:image/png", page) == 6);
  check_holds(page, {">epoch\u00a0"
                     "1<",
                     ">epoch\u00a0"
                     "2<",
                     ">epoch\u00a0"
                     "40<"});
}

TEST_CASE("a picture of another layout is shown whole") {
  Run run;
  run.picture("epoch-001.png", 10);
  const std::string page = run.page();
  CHECK(count_of("<img", page) == 1);
  CHECK(count_of("<svg class=\"tiles\"", page) == 0);
  CHECK(unbalanced(page) == "");
}

TEST_CASE("decisions at the threshold are counted") {
  const Run run;
  check_holds(run.page(), {"<th>normal</th><td class=\"right\"><strong>1</strong><small>50.0%",
                           "<th>anomalous</th><td class=\"wrong\"><strong>1</strong><small>25.0%",
                           "<td class=\"right\"><strong>3</strong><small>75.0%", "precision 75.0%, recall 75.0%"});
}

TEST_CASE("cases are cut out of their picture, each with its class and score") {
  Run run;
  run.write("cases.csv", "kind,index,label,anomaly,score\nmissed,2,1,1,0.3\nfalse_alarm,1,0,0,0.6\n");
  Canvas(132, 200).write(run.folder / "cases.png");
  const std::string page = run.page();
  CHECK(count_of("<svg class=\"case\"", page) == 2);
  check_holds(page,
              {"viewBox=\"68 0 64 200\"", "1 Trouser, score 0.3", "0 T-shirt/top, score 0.6", "Missed anomalies"});
  CHECK(page.find("Borderline") == std::string::npos);
  CHECK(unbalanced(page) == "");
  Canvas(131, 200).write(run.folder / "cases.png");
  check_error(error_of([&] { run.page(); }), Exit::data, {"cases.png", "131"});
}

TEST_CASE("classes held out of training are marked") {
  Run run;
  run.summary({{"hold_out", {6}}});
  check_holds(run.page(), {"6 Shirt *", "held out"});
}

TEST_CASE("files that no run writes are Errors that name file and line") {
  Run run;
  const auto error = [&] { return error_of([&] { write_report(run.folder.path()); }); };
  run.write("scores.csv", "index,label,anomaly,score\n0,0,0,0.5\n1,1,1,half\n");
  check_error(error(), Exit::data, {"scores.csv:3", "half", "score"});
  run.write("scores.csv", "index,label,anomaly,score\n0,0,0,0.5\n1,1,1\n");
  check_error(error(), Exit::data, {"scores.csv:3", "3 cells"});
  run.write("scores.csv", "index,label,anomaly,score\n0,0,0,nan\n1,1,1,1\n");
  check_error(error(), Exit::data, {"scores.csv:2", "NaN"});
  run.write("scores.csv", "index,label,anomaly,score\n0,0,0,1\n");
  check_error(error(), Exit::data, {"scores.csv:1", "one kind"});
  run.write("scores.csv", "");
  check_error(error(), Exit::data, {"scores.csv:1", "header"});
  std::filesystem::remove(run.folder / "scores.csv");
  check_error(error(), Exit::io, {"scores.csv"});
  run.summary({{"auroc", 1.5}});
  run.write("scores.csv", "index,label,anomaly,score\n0,0,0,0\n1,1,1,1\n");
  check_error(error(), Exit::data, {"summary.json", "auroc"});
  CHECK(!std::filesystem::exists(run.folder / "report.html"));
}

}  // namespace
}  // namespace snag
