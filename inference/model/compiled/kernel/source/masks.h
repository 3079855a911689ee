#pragma once
#include "ensemble.h"

// Looks up the codes of sixteen nodes in up to `groups` * 16 columns. An index below 16 selects from its group, and one with the
// highest bit selects 0: between these, relaxed_swizzle would depend on the machine, and no layout has such an index.
template <int groups>
INLINE vec select_codes(const vec* columns, const u8* indices) {
  vec selected = wasm_i8x16_relaxed_swizzle(columns[0], wasm_v128_load(indices));
  for (int g = 1; g < groups; g++)
    selected = wasm_v128_or(selected, wasm_i8x16_relaxed_swizzle(columns[g], wasm_v128_load(indices + 16 * g)));
  return selected;
}

// The leaf of each tree for one row. A tree is padded to a complete one; all its nodes are compared at once, which gives a bit
// for each, and the walk down reads nothing but those bits.
template <int depth, int groups>
SEPARATE void find_leaves_by_masks(const Ensemble& e, const s8* codes, u32* leaves) {
  static const int vectors = depth == 6 ? 4 : depth == 5 ? 2 : 1;
  static const int vector_bytes = 16 * (groups + 1);
  vec columns[groups];
  for (int g = 0; g < groups; g++) columns[g] = wasm_v128_load(codes + 16 * g);
  const u8* nodes = e.masks;
  for (u32 t = 0; t < e.tree_count; t++, nodes += vectors * vector_bytes) {
    u32 bits[4] = {0, 0, 0, 0};
    for (int v = 0; v < vectors; v++) {
      const u8* sixteen = nodes + v * vector_bytes;
      const vec thresholds = wasm_v128_load(sixteen + 16 * groups);
      bits[v] = wasm_i8x16_bitmask(wasm_i8x16_gt(select_codes<groups>(columns, sixteen), thresholds));
    }
    const u64 mask = (u64)(bits[0] | bits[1] << 16) | (u64)(bits[2] | bits[3] << 16) << 32;
    u32 at = 0;
    UNROLL for (int d = 0; d < depth; d++) at = 2 * at + 1 + (u32)((mask >> at) & 1);
    leaves[t] = at - ((1 << depth) - 1);
  }
}
