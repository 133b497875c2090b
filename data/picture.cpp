#include "data/picture.h"

#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "base/file.h"
#include "data/at.h"
#include "data/byte_reader.h"
#include "data/orientation.h"

namespace snag {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const unsigned char>;

constexpr std::int64_t longest_side = 16384, largest_area = std::int64_t{1} << 27;

void check_size(const fs::path& path, std::int64_t height, std::int64_t width) {
  if (height < 1 || width < 1 || height > longest_side || width > longest_side || height * width > largest_area)
    fail_at(Exit::data, path,
            "is an image of " + std::to_string(height) + " x " + std::to_string(width) +
                " pixels, beyond 16384 a side or 2^27 in all; make it smaller");
}

[[noreturn]] void fail_decoding(const fs::path& path, const std::string& format, const std::string& why) {
  fail_at(Exit::data, path, "is a corrupt or truncated " + format + " (" + why + "); get the file again, or remove it");
}

Picture read_png(const fs::path& path, Bytes file) {
  // libpng's simplified interface: no setjmp, which would jump over destructors.
  struct Image : png_image {
    Image() : png_image{} { version = PNG_IMAGE_VERSION; }
    ~Image() { png_image_free(this); }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
  } image;
  if (!png_image_begin_read_from_memory(&image, file.data(), file.size())) fail_decoding(path, "PNG", image.message);
  check_size(path, image.height, image.width);
  Picture picture{
      static_cast<int>(image.height), static_cast<int>(image.width), image.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1, {}};
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // 16 bits are the fine form of 8, not linear light
  image.format = picture.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  picture.pixels.resize(PNG_IMAGE_SIZE(image));
  const png_color white{255, 255, 255};
  if (!png_image_finish_read(&image, &white, picture.pixels.data(), 0, nullptr))
    fail_decoding(path, "PNG", image.message);
  return picture;
}

// As its orientation says that it is to be seen.
Picture upright(Picture from, int orientation) {
  if (orientation == 1) return from;
  const bool turned = orientation >= 5;  // rows are columns
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8,
             from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Picture to{turned ? from.width : from.height, turned ? from.height : from.width, from.channels, {}};
  to.pixels.reserve(from.pixels.size());
  for (int y = 0; y < to.height; ++y)
    for (int x = 0; x < to.width; ++x) {
      const int across = turned ? y : x, down = turned ? x : y, u = from_right ? from.width - 1 - across : across,
                v = from_below ? from.height - 1 - down : down;
      const std::uint8_t* const p = &from.pixels[(at(v) * at(from.width) + at(u)) * at(from.channels)];
      to.pixels.insert(to.pixels.end(), p, p + from.channels);
    }
  return to;
}

Picture read_jpeg(const fs::path& path, Bytes file) {
  const std::unique_ptr<void, int (*)(void*)> decoder(tjInitDecompress(), tjDestroy);
  int width = 0, height = 0, subsampling = 0, colours = 0;
  const auto size = static_cast<unsigned long>(file.size());
  if (tjDecompressHeader3(decoder.get(), file.data(), size, &width, &height, &subsampling, &colours))
    fail_decoding(path, "JPEG", tjGetErrorStr2(decoder.get()));
  if (width < 1 || height < 1) fail_decoding(path, "JPEG", "no size");
  check_size(path, height, width);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    fail_at(Exit::data, path, "is a JPEG in CMYK; convert it to gray or RGB");
  Picture picture{height, width, colours == TJCS_GRAY ? 1 : 3, {}};
  picture.pixels.resize(at(height) * at(width) * at(picture.channels));
  const int format = picture.channels == 1 ? TJPF_GRAY : TJPF_RGB;
  // A warning, too, is a corrupt file: what is missing would be filled with gray. The exact inverse transform gives
  // every machine the same pixels.
  if (tjDecompress2(decoder.get(), file.data(), size, picture.pixels.data(), width, 0, height, format,
                    TJFLAG_ACCURATEDCT))
    fail_decoding(path, "JPEG", tjGetErrorStr2(decoder.get()));
  return upright(std::move(picture), orientation_of(file));
}

}  // namespace

Picture read_picture(const fs::path& path) {
  const std::string text = read_file(path.string());
  const Bytes file{reinterpret_cast<const unsigned char*>(text.data()), text.size()};
  const auto starts = [&](std::string_view magic) { return text.starts_with(magic); };
  if (starts("\x89PNG\r\n\x1a\n")) return read_png(path, file);
  if (starts("\xff\xd8\xff")) return read_jpeg(path, file);
  fail_at(Exit::data, path,
          text.empty() ? "is empty; get the file again, or remove it"
                       : "is neither a PNG nor a JPEG; convert it, or remove it");
}

Picture with_channels(Picture from, int channels) {
  if (from.channels == channels) return from;
  Picture to{from.height, from.width, channels, {}};
  to.pixels.reserve(at(from.height) * at(from.width) * at(channels));
  if (channels == 3)
    for (const std::uint8_t p : from.pixels) to.pixels.insert(to.pixels.end(), 3, p);
  else
    for (std::size_t i = 0; i < from.pixels.size(); i += 3)
      to.pixels.push_back(static_cast<std::uint8_t>(
          (299 * from.pixels[i] + 587 * from.pixels[i + 1] + 114 * from.pixels[i + 2] + 500) / 1000));
  return to;
}

bool names_picture(const fs::path& path) {
  std::string end = path.extension().string();
  std::transform(end.begin(), end.end(), end.begin(), [](unsigned char c) { return std::tolower(c); });
  return end == ".png" || end == ".jpg" || end == ".jpeg";
}

}  // namespace snag
