#include "experiments/runner.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <list>
#include <new>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/markup.h"
#include "experiments/child.h"
#include "experiments/claims.h"
#include "models/run.h"
#include "models/run_folder.h"

namespace snag {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t child_stop = 0;
extern "C" void stop_child(int number) { child_stop = number; }

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    throw Error(Exit::io, "cannot make the folder " + path + ": " + error.message() + "; choose another with --out");
}

// What a run does in its own process.
int run_in_child(const Config& config) {
  for (const int number : {SIGINT, SIGTERM}) std::signal(number, stop_child);
  try {
    return run(config, child_stop);
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "out of memory\n");
    return static_cast<int>(Exit::device);
  }
}

void remove(const std::string& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) throw Error(Exit::io, "cannot remove " + path + ": " + error.message());
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const std::size_t before = text.rfind('\n', end);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  return text.substr(begin, end + 1 - begin);
}

std::string reason(int code, const std::string& log) {
  const std::string words = last_line(read_file(log));
  return (code > 128 ? "killed by signal " + std::to_string(code - 128) : "exit code " + std::to_string(code)) +
         (words.empty() ? "" : ": " + words);
}

class Runner {
 public:
  Runner(std::span<const PlannedRun> runs, const RunnerOptions& options)
      : runs_(runs),
        options_(options),
        claims_((make_folder(options.folder), options.folder + "/claims"),
                std::chrono::duration<double>(options.patience)) {
    make_folder(options.folder + "/runs");
    make_folder(options.folder + "/failed");
    for (const PlannedRun& run : runs) {
      check_settings(run);
      if (options.retry) remove(failure_file(run));
    }
  }

  PlanResult work(const volatile std::sig_atomic_t& stop) {
    std::int64_t done = count_done();
    Progress progress(ProgressOutput::standard(options_.quiet), options_.worker + "plan", "runs",
                      static_cast<std::int64_t>(runs_.size()), done);
    if (done > 0) say(progress, std::to_string(done) + " of " + std::to_string(runs_.size()) + " runs stand already");
    auto last_beat = Clock::now();
    bool told = false;
    for (;;) {
      collect(progress, stop);
      if (stop && !told) {
        for (Running& r : running_) r.child.signal(stop);
        told = true;
      }
      if (stop && running_.empty()) return {false, failures()};
      if (!stop) fill();
      if (running_.empty() && (done = count_done()) == static_cast<std::int64_t>(runs_.size())) break;
      if (Clock::now() - last_beat > std::chrono::seconds(2)) {
        for (const std::string& lost : claims_.beat()) abandon(progress, lost);
        done = count_done();
        last_beat = Clock::now();
      }
      progress.update(done, note());
      std::this_thread::sleep_for(std::chrono::milliseconds(running_.empty() ? 200 : 20));
    }
    progress.update(done);
    progress.finish();
    return {true, failures()};
  }

 private:
  struct Running {
    const PlannedRun* run;
    Child child;
    Clock::time_point since;
  };

  std::string failure_file(const PlannedRun& run) const { return options_.folder + "/failed/" + run.name; }
  std::string log_file(const PlannedRun& run) const { return run_folder(options_.folder, run) + ".log"; }
  bool done(const PlannedRun& run) const {
    return finished(run_folder(options_.folder, run)) || fs::exists(failure_file(run));
  }
  std::int64_t count_done() const {
    return std::count_if(runs_.begin(), runs_.end(), [&](const PlannedRun& run) { return done(run); });
  }
  void say(Progress& progress, const std::string& line) { progress.milestone(options_.worker + line); }

  std::string note() const {
    std::string text;
    for (const Running& r : running_) text += (text.empty() ? "" : ", ") + r.run->name;
    return text;
  }

  // A run that stands in the folder must be the planned one.
  void check_settings(const PlannedRun& run) const {
    const std::string path = run_folder(options_.folder, run) + "/config.json";
    if (!fs::exists(path)) return;
    Config found;
    found.model = run.config.model;
    set_defaults(found);
    read_config(found, path);
    const auto there = nlohmann::json::parse(config_text(found)),
               wanted = nlohmann::json::parse(config_text(run.config));
    for (const auto& [name, value] : wanted.items())
      if (!free_on_resume(name) && there[name] != value && !(name == "channels" && value == 0))  // 0: as the data has
        throw Error(Exit::usage, path + " has " + name + " " + there[name].dump() + ", this plan " + value.dump() +
                                     ": choose another --out for other settings");
  }

  // Starts runs that nobody has claimed, until all jobs are taken.
  void fill() {
    for (const PlannedRun& run : runs_) {
      if (static_cast<int>(running_.size()) >= options_.jobs) return;
      if (done(run) || !claims_.take(run.name)) continue;
      const bool is_running =
          std::any_of(running_.begin(), running_.end(), [&](const Running& r) { return r.run == &run; });
      if (is_running) continue;
      if (done(run)) {  // by another process, between the two looks
        claims_.release(run.name);
        continue;
      }
      Config config = run.config;
      config.out = run_folder(options_.folder, run);
      config.quiet = true;
      config.resume = fs::exists(config.out + "/config.json");
      running_.push_back({&run, Child(log_file(run), [config] { return run_in_child(config); }), Clock::now()});
    }
  }

  void collect(Progress& progress, const volatile std::sig_atomic_t& stop) {
    for (auto r = running_.begin(); r != running_.end();) {
      const std::optional<int> code = r->child.poll();
      if (!code) {
        ++r;
        continue;
      }
      const PlannedRun& run = *r->run;
      if (*code == 0) {
        say(progress, run.name + ": AUROC " + area(run) + ", " +
                          format_duration(std::chrono::duration<double>(Clock::now() - r->since).count()));
        remove(log_file(run));
      } else if (!(stop && *code == 128 + stop)) {
        const std::string why = reason(*code, log_file(run));
        write_file(failure_file(run), why + "\n");
        say(progress, run.name + " failed: " + why);
        remove(log_file(run));
      }
      claims_.release(run.name);
      r = running_.erase(r);
    }
  }

  std::string area(const PlannedRun& run) const {
    const std::string path = run_folder(options_.folder, run) + "/summary.json";
    return decimal(get_real(parse_json(read_file(path), path, Exit::data), "auroc", 0, 1), 4);
  }

  // This process was stopped for so long that another one took the run over.
  void abandon(Progress& progress, const std::string& name) {
    say(progress, name + " was taken over by another process");
    running_.remove_if([&](const Running& r) { return r.run->name == name; });
  }

  std::vector<Failure> failures() const {
    std::vector<Failure> list;
    for (const PlannedRun& run : runs_)
      if (!finished(run_folder(options_.folder, run)) && fs::exists(failure_file(run)))
        list.push_back({run.name, last_line(read_file(failure_file(run)))});
    return list;
  }

  std::span<const PlannedRun> runs_;
  const RunnerOptions& options_;
  Claims claims_;
  std::list<Running> running_;
};

}  // namespace

std::string run_folder(const std::string& plan_folder, const PlannedRun& run) {
  return plan_folder + "/runs/" + run.name;
}

PlanResult run_plan(std::span<const PlannedRun> runs, const RunnerOptions& options,
                    const volatile std::sig_atomic_t& stop) {
  return Runner(runs, options).work(stop);
}

}  // namespace snag
