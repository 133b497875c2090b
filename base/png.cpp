#include "base/png.h"

#include <png.h>

#include "base/error.h"
#include "base/file.h"

namespace snag {

void write_png(const std::string& path, int width, int height, std::span<const std::uint8_t> pixels, int channels) {
  const bool known = width > 0 && height > 0 && (channels == 1 || channels == 3);
  const std::size_t needed = known ? std::size_t{1} * static_cast<std::size_t>(width) *
                                         static_cast<std::size_t>(height) * static_cast<std::size_t>(channels)
                                   : 0;
  if (!known || pixels.size() != needed) {
    throw Error(Exit::io, path + ": cannot make a PNG of [height " + std::to_string(height) + ", width " +
                              std::to_string(width) + ", channels " + std::to_string(channels) + "] from " +
                              std::to_string(pixels.size()) + " bytes; give height * width * 1 or 3 of them");
  }
  // libpng's simplified interface: no setjmp, which would jump over destructors.
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr) == 0) {
    throw Error(Exit::io, path + ": cannot make a PNG: " + image.message + "; choose a smaller image");
  }
  bytes.resize(size);
  write_file(path, bytes);
}

}  // namespace snag
