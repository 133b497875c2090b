#include "data/idx.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <system_error>

#include "base/error.h"
#include "data/byte_reader.h"

namespace snag {
namespace fs = std::filesystem;
namespace {

constexpr const char* package_dir = "/usr/share/datasets/fashion-mnist";
constexpr const char* get_data =
    "install the Debian package dataset-fashion-mnist, or give its four IDX files, or images in normal/ or "
    "train/good/, as --data DIR";
constexpr const char* in_header = "truncated: it ends within its IDX header; get the file again";
constexpr std::uint32_t most_side = 4096;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 32;
constexpr std::uint32_t most_images = std::numeric_limits<int>::max();
constexpr std::size_t first_chunk = std::size_t{1} << 20;

struct Idx {
  std::array<std::uint32_t, 3> size{};
  std::vector<std::uint8_t> data;
};

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (!text.empty()) text += ' ';
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

[[noreturn]] void fail_truncated(const ByteReader& file, std::uint64_t promised, const std::string& held) {
  fail_at(Exit::data, file.path(),
          "truncated: its header promises " + std::to_string(promised) + " bytes of data, but " + held +
              "; get the file again");
}

// The sizes from the header of an IDX file of unsigned bytes; [rank] of them.
std::array<std::uint32_t, 3> read_header(ByteReader& file, std::size_t rank, const std::string& kind) {
  std::array<std::uint8_t, 4> magic{};
  const std::size_t got = file.read(magic);
  if (got == 0) fail_at(Exit::data, file.path(), "is empty; get the file again");
  if (magic[0] != 0 || magic[1] != 0)
    fail_at(
        Exit::data, file.path(),
        "is not an IDX file: it starts with " + hex(std::span(magic).first(got)) + ", not 00 00; get the file again");
  if (got < 4) fail_at(Exit::data, file.path(), in_header);
  if (magic[2] != 0x08)
    fail_at(
        Exit::data, file.path(),
        "holds IDX elements of type " + hex(std::span(magic).subspan(2, 1)) + "; only 08, unsigned bytes, can be read");
  if (magic[3] != rank)
    fail_at(Exit::data, file.path(),
            "has rank " + std::to_string(magic[3]) + ", but " + kind + " have rank " + std::to_string(rank) +
                ": is it another of the four files?");
  std::array<std::uint8_t, 12> bytes{};
  if (file.read(std::span(bytes).first(4 * rank)) < 4 * rank) fail_at(Exit::data, file.path(), in_header);
  std::array<std::uint32_t, 3> size{1, 1, 1};
  for (std::size_t i = 0; i < rank; ++i)
    for (std::size_t b = 0; b < 4; ++b) size[i] = size[i] << 8 | bytes[4 * i + b];
  return size;
}

// Exactly `promised` bytes and then the end of the file, read in growing chunks.
std::vector<std::uint8_t> read_data(ByteReader& file, std::uint64_t promised) {
  if (promised > file.most())
    fail_truncated(file, promised, "a file of its size holds at most " + std::to_string(file.most()));
  std::vector<std::uint8_t> data;
  while (data.size() < promised) {
    const std::size_t start = data.size();
    const std::size_t chunk = std::min<std::size_t>(promised - start, std::max(start, first_chunk));
    data.resize(start + chunk);
    const std::size_t got = file.read(std::span(data).subspan(start));
    if (got < chunk) fail_truncated(file, promised, "it holds " + std::to_string(start + got));
  }
  std::uint8_t extra = 0;
  if (file.read(std::span(&extra, 1)) != 0)
    fail_at(Exit::data, file.path(),
            "trailing bytes after the " + std::to_string(promised) +
                " bytes of data that its header promises; get the file again");
  return data;
}

Idx read_idx(const fs::path& path, std::size_t rank, const std::string& kind) {
  ByteReader file(path);
  Idx idx;
  idx.size = read_header(file, rank, kind);
  const auto [n, height, width] = idx.size;
  if (n == 0) fail_at(Exit::data, path, "holds no " + kind + ": its header says 0; get the file again");
  if (height == 0 || width == 0)
    fail_at(
        Exit::data, path,
        "holds images of " + std::to_string(height) + " x " + std::to_string(width) + " pixels; get the file again");
  if (height > most_side || width > most_side || n > most_images || n > most_bytes / (std::uint64_t{height} * width))
    fail_at(Exit::data, path,
            "has a header that promises " + std::to_string(n) + " x " + std::to_string(height) + " x " +
                std::to_string(width) + " bytes, beyond images of 4096 x 4096 or 4 GiB in all;" +
                " get the file again, or cut it");
  idx.data = read_data(file, std::uint64_t{n} * height * width);
  return idx;
}

// The file of `split` that holds `kind` ("images" or "labels").
fs::path find_file(const fs::path& dir, const std::string& split, const std::string& kind, int rank) {
  const std::string type = "idx" + std::to_string(rank) + "-ubyte";
  const std::string start = split + "-" + kind;
  for (const char* end : {"", ".gz"})
    for (const char* separator : {"-", "."}) {
      fs::path path = dir / start;
      (path += separator) += type + end;
      std::error_code error;
      if (fs::status(path, error).type() != fs::file_type::not_found) return path;
    }
  fail_at(Exit::io, dir, "has no " + start + "-" + type + "[.gz]; " + get_data);
}

}  // namespace

Images read_idx_images(const fs::path& path) {
  Idx idx = read_idx(path, 3, "images");
  const auto [n, height, width] = idx.size;
  if (height != width)
    fail_at(Exit::data, path,
            "holds images of " + std::to_string(height) + " x " + std::to_string(width) + " pixels; give square ones");
  return {static_cast<int>(n), static_cast<int>(height), static_cast<int>(width), std::move(idx.data)};
}

std::vector<std::uint8_t> read_idx_labels(const fs::path& path) {
  std::vector<std::uint8_t> labels = read_idx(path, 1, "labels").data;
  const auto bad = std::find_if(labels.begin(), labels.end(), [](std::uint8_t label) { return label >= class_count; });
  if (bad != labels.end())
    fail_at(Exit::data, path,
            "label " + std::to_string(bad - labels.begin()) + " is " + std::to_string(*bad) + "; labels must be 0 to " +
                std::to_string(class_count - 1));
  return labels;
}

LabelledImages read_split(const fs::path& dir, const std::string& split) {
  if (split != "train" && split != "t10k")
    throw Error(Exit::usage, "no split '" + split + "' of the data; give train or t10k");
  if (dir.empty()) throw Error(Exit::io, std::string("no data: ") + package_dir + " is not there; " + get_data);
  std::error_code error;
  const fs::file_status status = fs::status(dir, error);
  if (status.type() == fs::file_type::not_found) fail_at(Exit::io, dir, std::string("no such folder; ") + get_data);
  if (error) fail_at(Exit::io, dir, "cannot be opened: " + error.message());
  if (!fs::is_directory(status)) fail_at(Exit::io, dir, std::string("is not a folder; ") + get_data);

  const fs::path images = find_file(dir, split, "images", 3);
  const fs::path labels = find_file(dir, split, "labels", 1);
  LabelledImages data{read_idx_images(images), read_idx_labels(labels)};
  if (data.labels.size() != static_cast<std::size_t>(data.images.count))
    fail_at(Exit::data, images,
            "holds " + std::to_string(data.images.count) + " images, but " + labels.string() + " holds " +
                std::to_string(data.labels.size()) + " labels; get both again");
  return data;
}

fs::path default_data_dir() {
  std::error_code error;
  return fs::is_directory(package_dir, error) ? fs::path(package_dir) : fs::path();
}

}  // namespace snag
