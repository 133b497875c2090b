#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/images.h"

namespace snag {

// IDX files of unsigned bytes, the format of MNIST and Fashion-MNIST: 0, 0, type 08, rank, the sizes as big-endian
// 32-bit numbers, the data. Plain or gzip, told by the first bytes and not by the name. Up to 4 GiB of data a file,
// images up to 4096 pixels a side; memory grows with what the file really holds, not with what its header promises.
//
// Every error names the file's full path. Exit::io: missing, a directory, not readable. Exit::data: everything about
// the content: not IDX, another type or rank, truncated, corrupt, trailing bytes, a size of 0, images that are not
// square, a label above 9.
Images read_idx_images(const std::filesystem::path& path);
std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& path);

// Images and labels of `split`, "train" or "t10k", in `dir`: the first that exists of {split}-images-idx3-ubyte,
// {split}-images.idx3-ubyte, then each with .gz; labels in the same way (idx1). Throws what the readers throw;
// Exit::io also when `dir` or a file is missing, Exit::data when the counts disagree, Exit::usage for another split.
LabelledImages read_split(const std::filesystem::path& dir, const std::string& split);

// Where the Debian package dataset-fashion-mnist puts its files; empty if that folder is not there (read_split then
// says what to do).
std::filesystem::path default_data_dir();

}  // namespace snag
