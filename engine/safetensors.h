#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace snag {

// The safetensors format (https://github.com/huggingface/safetensors): u64 length of the header, the header in JSON,
// then the tensors' bytes, all little-endian.

struct StoredTensor {
  std::string dtype;                // F32, F64, I32, I64, U8; also F16, BF16, I8, I16, U16, U32, U64, BOOL
  std::vector<std::int64_t> shape;  // empty: one element
  std::string bytes;                // row-major, little-endian
};

struct Checkpoint {
  std::map<std::string, StoredTensor> tensors;
  std::map<std::string, std::string> metadata;
};

// Bytes of one element of `dtype`, 0 when it is not among those above.
int dtype_size(std::string_view dtype);

// Reads a whole file and believes nothing: lengths, UTF-8, duplicate or unknown keys, types, overflowing shapes, and
// that the tensors fill the data without hole or overlap. Error of Exit::checkpoint that names file, tensor and fault;
// of Exit::io when the file is missing or unreadable.
Checkpoint read_safetensors(const std::string& path);
Checkpoint parse_safetensors(std::string_view file, const std::string& name);  // `name` for messages

// Equal checkpoints give equal bytes: tensors ordered by type, widest first (so each is aligned to its element), then
// by name; metadata by key. Written through write_file: all or nothing. Error of Exit::checkpoint when a tensor's bytes
// do not match its shape and type, or a name is not UTF-8 or is "__metadata__"; of Exit::io when it cannot be written.
void write_safetensors(const std::string& path, const Checkpoint& checkpoint);
std::string serialise_safetensors(const Checkpoint& checkpoint);

}  // namespace snag
