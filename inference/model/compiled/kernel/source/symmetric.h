#pragma once
#include "masks.h"

// In a symmetric tree all nodes of a level ask the same, so that the answers are the bits of the leaf's number. A comparison gives
// 0 or -1; `2 * number + answer` therefore collects the negative of the leaf's number, modulo 256.
INLINE vec append_bit(vec number, vec answer) { return wasm_i8x16_add(wasm_i8x16_add(number, number), answer); }

// The leaf of each tree for one row, sixteen trees at a time.
template <int groups>
SEPARATE void find_leaves_of_symmetric_trees(const Ensemble& e, const s8* codes, u32* leaves) {
  vec columns[groups];
  for (int g = 0; g < groups; g++) columns[g] = wasm_v128_load(codes + 16 * g);
  const u8* level = e.masks;
  for (u32 t = 0; t < e.tree_count; t += 16) {
    vec number = wasm_i8x16_splat(0);
    for (u32 d = 0; d < e.depth; d++, level += 16 * (groups + 1))
      number = append_bit(number, wasm_i8x16_gt(select_codes<groups>(columns, level), wasm_v128_load(level + 16 * groups)));
    number = wasm_i8x16_neg(number);
    const vec low = wasm_u16x8_extend_low_u8x16(number), high = wasm_u16x8_extend_high_u8x16(number);
    wasm_v128_store(leaves + t, wasm_u32x4_extend_low_u16x8(low));
    wasm_v128_store(leaves + t + 4, wasm_u32x4_extend_high_u16x8(low));
    wasm_v128_store(leaves + t + 8, wasm_u32x4_extend_low_u16x8(high));
    wasm_v128_store(leaves + t + 12, wasm_u32x4_extend_high_u16x8(high));
  }
}

// The leaf of one tree for each of `count` rows, sixteen rows at a time.
template <int depth>
SEPARATE void find_symmetric_leaves(const SymmetricTree& tree, const s8* codes, u32 count, u8* leaves) {
  const s8* columns[depth];
  vec thresholds[depth];
  UNROLL for (int d = 0; d < depth; d++) {
    columns[d] = codes + tree.columns[d];
    thresholds[d] = wasm_i8x16_splat(tree.thresholds[d]);
  }
  for (u32 r = 0; r < count; r += 16) {
    vec number = wasm_i8x16_gt(wasm_v128_load(columns[0] + r), thresholds[0]);
    UNROLL for (int d = 1; d < depth; d++)
      number = append_bit(number, wasm_i8x16_gt(wasm_v128_load(columns[d] + r), thresholds[d]));
    wasm_v128_store(leaves + r, wasm_i8x16_neg(number));
  }
}

INLINE void find_symmetric_leaves(const SymmetricTree& tree, const s8* codes, u32 count, u8* leaves) {
  switch (tree.depth) {
    case 1: return find_symmetric_leaves<1>(tree, codes, count, leaves);
    case 2: return find_symmetric_leaves<2>(tree, codes, count, leaves);
    case 3: return find_symmetric_leaves<3>(tree, codes, count, leaves);
    case 4: return find_symmetric_leaves<4>(tree, codes, count, leaves);
    case 5: return find_symmetric_leaves<5>(tree, codes, count, leaves);
    case 6: return find_symmetric_leaves<6>(tree, codes, count, leaves);
    case 7: return find_symmetric_leaves<7>(tree, codes, count, leaves);
    case 8: return find_symmetric_leaves<8>(tree, codes, count, leaves);
  }
  for (u32 r = 0; r < count; r++) leaves[r] = 0;
}
