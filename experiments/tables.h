#pragma once
#include <string>
#include <vector>

#include "experiments/outcomes.h"

namespace snag {

// A table of text: the first column is left-aligned, the others right-aligned.
struct TextTable {
  std::string caption;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

// The tables of a plan: figures over all classes; AUROC per normal class; where variants hold classes out, the AUROC on
// each class that training never saw; settings.
std::vector<TextTable> tables_of(const Results&);

std::string markdown(const TextTable&);
std::string html(const TextTable&);

// How the runs were made, in words: classes, seeds, runs finished of those planned.
std::string scope(const Results&, std::size_t planned);

}  // namespace snag
