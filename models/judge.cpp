#include "models/judge.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/adam.h"

namespace snag {

std::vector<float> error_map(std::span<const std::uint8_t> image, std::span<const float> reconstruction, int channels) {
  std::vector<float> error(image.size() / static_cast<std::size_t>(channels), 0);
  for (std::size_t i = 0; i < image.size(); ++i)
    error[i / static_cast<std::size_t>(channels)] +=
        std::abs(static_cast<float>(image[i]) / 127.5f - 1 - reconstruction[i]);
  for (float& e : error) e /= static_cast<float>(channels);
  return error;
}

std::vector<std::uint8_t> as_bytes(std::span<const float> reconstruction) {
  std::vector<std::uint8_t> bytes;
  for (const float v : reconstruction)
    bytes.push_back(static_cast<std::uint8_t>(std::lround((std::clamp(v, -1.f, 1.f) + 1) * 127.5f)));
  return bytes;
}

Bytes upload_images(Backend& backend, const Images& images) {
  auto* memory = static_cast<std::uint8_t*>(backend.alloc(images.pixels.size()));
  backend.upload(memory, images.pixels.data(), images.pixels.size());
  return {memory, images.count, images.height, images.channels};
}

std::int32_t* upload_indices(Backend& backend, const std::vector<std::int32_t>& indices) {
  auto* memory = static_cast<std::int32_t*>(backend.alloc(sizeof(std::int32_t) * indices.size()));
  backend.upload(memory, indices.data(), sizeof(std::int32_t) * indices.size());
  return memory;
}

void for_each_batch(Tape& tape, const Bytes& images, const std::function<void(Tensor x)>& f) {
  Backend& backend = tape.backend();
  const Tape::Mark start = tape.mark();
  std::vector<std::int32_t> all(static_cast<std::size_t>(images.count));
  std::iota(all.begin(), all.end(), 0);
  const std::int32_t* order = upload_indices(backend, all);
  const Counter zero = make_counter(backend);
  for (int begin = 0; begin < images.count; begin += kScoringBatch) {
    const Tape::Mark batch = tape.mark();
    const Tensor x =
        tape.leaf({std::min(kScoringBatch, images.count - begin), images.channels, images.side, images.side});
    backend.run(GatherBatch{.x = x.view,
                            .images = images,
                            .order = order,
                            .step = zero,
                            .steps = 1,
                            .stride = 0,
                            .first = begin,
                            .augment = {},
                            .seed = 0});
    f(x);
    tape.rewind(batch);
  }
  tape.rewind(start);
}

Verdict judge(Tape& tape, const Images& images, bool with_reconstruction,
              const std::function<Scored(Tensor x)>& score) {
  Verdict verdict;
  const Tape::Mark start = tape.mark();
  for_each_batch(tape, upload_images(tape.backend(), images), [&](Tensor x) {
    const Scored scored = score(x);
    append(scored.score, verdict.score);
    if (with_reconstruction && scored.image) append(scored.image, verdict.reconstruction);
  });
  tape.rewind(start);
  return verdict;
}

}  // namespace snag
