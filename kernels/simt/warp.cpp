#include "kernels/simt/warp.h"

#include <algorithm>
#include <cstring>

#include "kernels/simt/block.h"
#include "kernels/simt/sanitizer.h"

namespace snag::simt {
namespace {

constexpr unsigned kWholeWarp = 0xffffffffu;

Warp& own_warp() { return block().warps[rank(self()) / 32]; }

Meeting& meeting(Warp& warp, unsigned mask) {
  for (auto& known : warp.meetings)
    if (known->mask == mask) return *known;
  warp.meetings.push_back(std::make_unique<Meeting>());
  warp.meetings.back()->mask = mask;
  return *warp.meetings.back();
}

bool complete(const Warp& warp, const Meeting& m) { return m.arrived != 0 && (m.mask & ~warp.gone & ~m.arrived) == 0; }

void let_go(Meeting& m, unsigned first_thread) {
  for (unsigned i = 0; i < 32; ++i) {
    if (!(m.arrived >> i & 1u)) continue;
    Thread& thread = block().threads[first_thread + i];
    if (thread.state == State::at_warp) thread.state = State::ready;
  }
  m.values[m.round % 2].lanes = m.arrived;
  m.arrived = 0;
  ++m.round;
}

}  // namespace

unsigned lane() { return rank(self()) % 32; }

unsigned active_mask() { return ~own_warp().gone; }

Exchange<void> exchange_bytes(unsigned mask, const void* value, std::size_t bytes, Operation operation,
                              const Where& where, Combine combine) {
  const tsan::Unwatched scope;
  const unsigned me = lane();
  if (!(mask >> me & 1u)) {
    report("warp operation: lane " + std::to_string(me) + " calls it but is not in its mask", where);
    mask |= 1u << me;
  }
  Warp& warp = own_warp();
  Meeting& m = meeting(warp, mask);
  if (m.arrived && m.operation != operation)
    report("warp operation: lanes of one mask meet in different operations", where);
  m.operation = operation;
  Meeting::Values& values = m.values[m.round % 2];
  std::memcpy(values.bytes + me * bytes, value, bytes);
  m.arrived |= 1u << me;
  if (operation == Operation::sync) tsan::release(&values.ordered);
  if (complete(warp, m)) {
    if (combine && m.arrived == kWholeWarp) combine(values.bytes);
    let_go(m, rank(self()) / 32 * 32);
  } else {
    wait_in(State::at_warp, where);
  }
  if (operation == Operation::sync) tsan::acquire(&values.ordered);
  return {values.bytes, values.lanes};
}

void leave_warp(unsigned rank) {
  Warp& warp = block().warps[rank / 32];
  warp.gone |= 1u << rank % 32;
  for (auto& m : warp.meetings)
    if (complete(warp, *m)) let_go(*m, rank / 32 * 32);
}

bool release_stuck_lanes() {
  bool found = false;
  for (Thread& thread : block().threads) {
    if (thread.state != State::at_warp) continue;
    found = true;
    report("warp operation: lanes that the mask names do not come", thread.site);
  }
  for (unsigned w = 0; w < block().warps.size(); ++w)
    for (auto& m : block().warps[w].meetings)
      if (m->arrived) let_go(*m, w * 32);
  return found;
}

}  // namespace snag::simt
