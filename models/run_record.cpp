#include "models/run_record.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <string_view>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "models/cases.h"

namespace snag {
namespace {

namespace fs = std::filesystem;

// A table of numbers with a header, as the run wrote it.
class Table {
 public:
  explicit Table(std::string path) : path_(std::move(path)), text_(read_file(path_)) {
    std::string_view rest = text_;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      rows_.push_back(cells(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (rows_.back().size() != rows_.front().size())
        fail(rows_.size(),
             std::to_string(rows_.back().size()) + " cells, the header has " + std::to_string(rows_.front().size()));
    }
    if (rows_.empty()) fail(1, "no header");
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const std::vector<std::string_view>& header() const { return rows_.front(); }
  std::size_t rows() const { return rows_.size() - 1; }

  std::size_t column(std::string_view name) const {
    const auto found = std::find(header().begin(), header().end(), name);
    if (found == header().end()) fail(1, "no column '" + std::string(name) + "'");
    return static_cast<std::size_t>(found - header().begin());
  }
  bool blank(std::size_t row, std::size_t column) const { return text(row, column).empty(); }
  std::string_view text(std::size_t row, std::size_t column) const { return rows_[row + 1][column]; }

  template <class Number>
  Number get(std::size_t row, std::size_t column) const {
    const std::string_view cell = rows_[row + 1][column];
    Number value{};
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc() || end != cell.data() + cell.size())
      fail(row + 2, in_quotes(cell) + " in column '" + std::string(header()[column]) + "' is no number in its range");
    return value;
  }

  // `line` counts from 1, the header's.
  [[noreturn]] void fail(std::size_t line, const std::string& what) const {
    throw Error(Exit::data, path_ + ":" + std::to_string(line) + ": " + what + "; it is not as the run wrote it");
  }

 private:
  static std::vector<std::string_view> cells(std::string_view line) {
    std::vector<std::string_view> out;
    for (;;) {
      const std::size_t comma = line.find(',');
      out.push_back(line.substr(0, comma));
      if (comma == std::string_view::npos) return out;
      line.remove_prefix(comma + 1);
    }
  }

  std::string path_, text_;
  std::vector<std::vector<std::string_view>> rows_;
};

Json read_json(const std::string& path) { return parse_json(read_file(path), path, Exit::data); }

void read_metrics(RunRecord& run, const Table& table) {
  const std::size_t epoch = table.column("epoch"), step = table.column("step");
  const auto curve = [&](std::size_t x, std::size_t y) {
    std::vector<Point> points;
    for (std::size_t r = 0; r < table.rows(); ++r)
      if (!table.blank(r, y)) points.push_back({table.get<double>(r, x), table.get<double>(r, y)});
    return points;
  };
  for (std::size_t c = 0; c < table.header().size(); ++c) {
    const std::string name(table.header()[c]);
    if (name == "validation_auroc")
      run.validation_area = curve(epoch, c);
    else if (name != "epoch" && name != "step" && name != "learning_rate" && name != "images_per_second")
      run.losses.push_back({name, curve(step, c)});
  }
}

void read_cases(RunRecord& run, const Table& table) {
  const std::size_t kind = table.column("kind"), index = table.column("index");
  for (std::size_t r = 0; r < table.rows(); ++r) {
    run.cases.push_back({std::string(table.text(r, kind)), table.get<int>(r, index)});
    if (run.cases.back().index < 0 || run.cases.back().index >= static_cast<int>(run.score.size()))
      table.fail(r + 2, "scores.csv has no such image");
  }
}

// The number between `before` and the end of the digits after it; takes both off `name`.
bool take_number(std::string_view& name, std::string_view before, int& value) {
  if (!name.starts_with(before)) return false;
  const char* const begin = name.data() + before.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), value);
  if (error != std::errc()) return false;
  name.remove_prefix(static_cast<std::size_t>(end - name.data()));
  return true;
}

std::vector<RunRecord::Picture> find_pictures(const std::string& folder) {
  std::vector<RunRecord::Picture> found;
  std::error_code absent;
  for (fs::directory_iterator entry(folder, absent), end; !absent && entry != end; entry.increment(absent)) {
    const std::string file = entry->path().filename().string();
    std::string_view name = file;
    RunRecord::Picture picture{entry->path().string(), 0, 0};
    if (!take_number(name, "epoch-", picture.epoch)) continue;
    take_number(name, "-step-", picture.step);
    if (name == ".png") found.push_back(picture);
  }
  const auto order = [](const RunRecord::Picture& p) { return std::tuple(p.epoch, p.step == 0, p.step); };
  std::sort(found.begin(), found.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
  return found;
}

}  // namespace

ScoreTable read_score_table(const std::string& path) {
  const Table table(path);
  const std::size_t label = table.column("label"), anomaly = table.column("anomaly"), score = table.column("score");
  ScoreTable read;
  for (std::size_t r = 0; r < table.rows(); ++r) {
    read.label.push_back(table.get<std::uint8_t>(r, label));
    read.anomaly.push_back(table.get<std::uint8_t>(r, anomaly));
    read.score.push_back(table.get<float>(r, score));
    if (read.anomaly.back() > 1) table.fail(r + 2, "the anomaly flag is neither 0 nor 1");
    if (std::isnan(read.score.back())) table.fail(r + 2, "the score is NaN");
  }
  return read;
}

RunRecord read_run(const std::string& folder) {
  RunRecord run{.folder = folder,
                .config = read_json(folder + "/config.json"),
                .environment = read_json(folder + "/environment.json"),
                .summary = read_json(folder + "/summary.json"),
                .losses = {},
                .validation_area = {},
                .score = {},
                .label = {},
                .anomaly = {},
                .pictures = find_pictures(folder + "/samples"),
                .cases = {},
                .cases_png = folder + "/" + cases_picture};
  if (fs::exists(folder + "/metrics.csv")) read_metrics(run, Table(folder + "/metrics.csv"));
  const std::string scores = folder + "/scores.csv";
  ScoreTable table = read_score_table(scores);
  for (const int kind : {0, 1})
    if (std::count(table.anomaly.begin(), table.anomaly.end(), kind) == 0)
      Table(scores).fail(1, "normal and anomalous images are needed, one kind is absent");
  run.score = std::move(table.score);
  run.label = std::move(table.label);
  run.anomaly = std::move(table.anomaly);
  if (fs::exists(folder + "/" + cases_table)) read_cases(run, Table(folder + "/" + cases_table));
  return run;
}

}  // namespace snag
