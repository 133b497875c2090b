#pragma once
#include <string>

namespace snag {

// Writes report.html into the folder of a finished run (models/run_folder.h): its pictures, curves, scores and settings
// as one page that needs no other file, no network and no script. Every number on it stands in the folder's files or
// follows from scores.csv. Throws Error{Exit::io} where a file cannot be read or written, Error{Exit::data} where one
// does not hold what a run writes.
void write_report(const std::string& folder);

}  // namespace snag
