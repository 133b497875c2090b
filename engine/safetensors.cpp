#include "engine/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace snag {
namespace {

constexpr std::uint64_t header_cap = 100'000'000;  // the reference implementation's
constexpr const char* metadata_key = "__metadata__";
constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();

// In the order in which the reference implementation stores them, so that files agree to the byte.
struct Dtype {
  std::string_view name;
  int size;
};
constexpr std::array<Dtype, 13> dtypes{{{"U64", 8},
                                        {"I64", 8},
                                        {"F64", 8},
                                        {"F32", 4},
                                        {"U32", 4},
                                        {"I32", 4},
                                        {"BF16", 2},
                                        {"F16", 2},
                                        {"U16", 2},
                                        {"I16", 2},
                                        {"I8", 1},
                                        {"U8", 1},
                                        {"BOOL", 1}}};

std::size_t rank_of(std::string_view dtype) {
  const auto found = std::find_if(dtypes.begin(), dtypes.end(), [&](const Dtype& d) { return d.name == dtype; });
  return static_cast<std::size_t>(found - dtypes.begin());
}

[[noreturn]] void refuse(const std::string& what) { throw Error(Exit::checkpoint, what); }

[[noreturn]] void refuse(const std::string& tensor, const std::string& what) {
  refuse("tensor " + in_quotes(tensor) + ": " + what);
}

std::string shown(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t n : shape) {
    text += (text.empty() ? "" : ",") + std::to_string(n);
  }
  return "[" + (text.size() <= 80 ? text : text.substr(0, 80) + "...") + "]";
}

// Bytes that dtype and shape ask for; every product is checked.
std::int64_t byte_count(const std::string& tensor, const std::string& dtype, const std::vector<std::int64_t>& shape) {
  std::int64_t count = dtype_size(dtype);
  if (count == 0) {
    refuse(tensor, "unknown dtype " + in_quotes(dtype));
  }
  for (const std::int64_t n : shape) {
    if (n < 0 || __builtin_mul_overflow(count, n, &count)) {
      refuse(tensor, "impossible shape " + shown(shape));
    }
  }
  return count;
}

struct Entry {
  std::int64_t begin, end;
  std::string name;
  StoredTensor tensor;
};

Entry read_entry(const std::string& name, const Json& header) {
  Entry entry{0, 0, name, {}};
  reject_unknown_keys(header, {"dtype", "shape", "data_offsets"});
  entry.tensor.dtype = get_string(header, "dtype");
  entry.tensor.shape = get_ints(header, "shape", 0, int64_max);
  const std::vector<std::int64_t> offsets = get_ints(header, "data_offsets", 0, int64_max);
  if (offsets.size() != 2 || offsets[1] < offsets[0]) {
    refuse(name, "data_offsets must be [begin, end], found " + shown(offsets));
  }
  std::tie(entry.begin, entry.end) = std::pair(offsets[0], offsets[1]);
  const std::int64_t needed = byte_count(name, entry.tensor.dtype, entry.tensor.shape);
  if (entry.end - entry.begin != needed) {
    refuse(name, "has " + std::to_string(entry.end - entry.begin) + " bytes, but " + entry.tensor.dtype + " " +
                     shown(entry.tensor.shape) + " takes " + std::to_string(needed));
  }
  return entry;
}

std::map<std::string, std::string> read_metadata(const Json& header) {
  std::map<std::string, std::string> metadata;
  for (const auto& member : header.value.items()) {
    metadata.emplace(member.key(), get_string(header, member.key()));
  }
  return metadata;
}

// Tensors sorted by place must fill 0 .. size without hole or overlap. Those without elements come first at a place.
void check_places(std::vector<Entry>& entries, std::size_t size) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  std::int64_t place = 0;
  for (const Entry& e : entries) {
    if (e.begin != place) {
      refuse(e.name, "begins at byte " + std::to_string(e.begin) + " of the data, where " + std::to_string(place) +
                         " is expected: a hole or an overlap");
    }
    place = e.end;
  }
  if (static_cast<std::uint64_t>(place) != size) {
    refuse("the header describes " + std::to_string(place) + " bytes of data, the file has " + std::to_string(size));
  }
}

std::uint64_t read_length(std::string_view file) {
  if (file.size() < 8) {
    refuse("has " + std::to_string(file.size()) + " bytes, fewer than the 8 of the header's length");
  }
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;) {
    length = length << 8 | static_cast<unsigned char>(file[i]);
  }
  if (length > header_cap || length > file.size() - 8) {
    refuse("has a header of " + std::to_string(length) + " bytes, of at most " +
           std::to_string(std::min<std::uint64_t>(header_cap, file.size() - 8)));
  }
  return length;
}

Checkpoint parse(std::string_view file) {
  const std::uint64_t length = read_length(file);
  const std::string_view text = file.substr(8, length), data = file.substr(8 + length);
  if (!text.starts_with('{')) {
    refuse("its header does not begin with {");
  }
  const Json header = parse_json(text, "header", Exit::checkpoint);
  Checkpoint checkpoint;
  std::vector<Entry> entries;
  for (const auto& member : header.value.items()) {
    const Json child = get_object(header, member.key());
    if (member.key() == metadata_key) {
      checkpoint.metadata = read_metadata(child);
    } else {
      entries.push_back(read_entry(member.key(), child));
    }
  }
  check_places(entries, data.size());
  for (Entry& e : entries) {
    e.tensor.bytes = data.substr(static_cast<std::size_t>(e.begin), static_cast<std::size_t>(e.end - e.begin));
    checkpoint.tensors.emplace(std::move(e.name), std::move(e.tensor));
  }
  return checkpoint;
}

std::string header_of(const std::vector<const std::pair<const std::string, StoredTensor>*>& order,
                      const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) {
    header[metadata_key] = metadata;
  }
  std::size_t place = 0;
  for (const auto* entry : order) {
    const auto& [name, tensor] = *entry;
    header[name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {place, place + tensor.bytes.size()}}};
    place += tensor.bytes.size();
  }
  try {
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins at a multiple of 8
    if (text.size() > header_cap) {
      refuse("the header takes " + std::to_string(text.size()) + " bytes; store fewer tensors or less metadata");
    }
    return text;
  } catch (const nlohmann::json::exception&) {
    refuse("a tensor's name or the metadata is not UTF-8; rename it");
  }
}

}  // namespace

int dtype_size(std::string_view dtype) {
  const std::size_t rank = rank_of(dtype);
  return rank < dtypes.size() ? dtypes[rank].size : 0;
}

Checkpoint parse_safetensors(std::string_view file, const std::string& name) {
  try {
    return parse(file);
  } catch (const Error& e) {
    throw Error(Exit::checkpoint, name + ": " + e.what() +
                                      "; the file is corrupt, truncated or no safetensors file: restore it from a "
                                      "copy or train again");
  }
}

Checkpoint read_safetensors(const std::string& path) { return parse_safetensors(read_file(path), path); }

std::string serialise_safetensors(const Checkpoint& checkpoint) {
  std::vector<const std::pair<const std::string, StoredTensor>*> order;
  for (const auto& entry : checkpoint.tensors) {
    const auto& [name, tensor] = entry;
    const std::int64_t needed = byte_count(name, tensor.dtype, tensor.shape);
    if (name == metadata_key || tensor.bytes.size() != static_cast<std::size_t>(needed)) {
      refuse(name, "cannot be stored as " + tensor.dtype + " " + shown(tensor.shape) + " from " +
                       std::to_string(tensor.bytes.size()) + " bytes; fix the caller");
    }
    order.push_back(&entry);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return rank_of(a->second.dtype) < rank_of(b->second.dtype); });
  const std::string header = header_of(order, checkpoint.metadata);
  std::string file;
  for (int i = 0; i < 8; ++i) {
    file += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  }
  file += header;
  for (const auto* entry : order) {
    file += entry->second.bytes;
  }
  return file;
}

void write_safetensors(const std::string& path, const Checkpoint& checkpoint) {
  std::string bytes;
  try {
    bytes = serialise_safetensors(checkpoint);
  } catch (const Error& e) {
    throw Error(e.code(), path + ": " + e.what());
  }
  write_file(path, bytes);
}

}  // namespace snag
