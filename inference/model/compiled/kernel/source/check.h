#pragma once
#include "slots.h"
#include "walk.h"

// Checks of the sections that have an element per node. They are part of every cold start, where a loop in JavaScript would take
// many times as long; check-layout.ts checks the rest, and has checked the ensemble's numbers and trees before.

struct Counts {
  u32 columns;
  u32 nodes;
  u32 records;
  u32 mask_vectors;
  u32 leaves;
};

// A walk ends because every child lies behind its parent, until a leaf, which is its own child.
template <typename Node>
INLINE bool nodes_hold(const Ensemble& e, const Counts& counts) {
  const Node* nodes = (const Node*)e.nodes;
  const u32 columns = counts.columns == 0 ? 1 : counts.columns;
  for (u32 t = 0; t < e.tree_count; t++) {
    const u32 start = e.trees[t].nodes;
    const u32 end = t + 1 < e.tree_count ? e.trees[t + 1].nodes : counts.nodes;
    if (start >= end || end > counts.nodes) return false;
    for (u32 at = 0; at < end - start; at++) {
      const Node& node = nodes[start + at];
      const bool is_leaf = node.child == at && node.threshold == 127;
      if (!is_leaf && (node.child <= at || node.child >= end - start - 1)) return false;
      if (node.column >= columns || e.leaf_numbers[start + at] >= counts.leaves - e.trees[t].weights) return false;
    }
  }
  return true;
}

INLINE bool is_slot(u32 offset, u32 first) {
  return offset >= first * slot_bytes && offset <= (constant_slots + result_slots - 1) * slot_bytes;
}

INLINE bool records_hold(const Ensemble& e, const Counts& counts) {
  for (u32 i = 0; i < counts.records; i++) {
    const Record& record = e.records[i];
    if (record.column % e.block_rows != 0 || record.column / e.block_rows >= counts.columns) return false;
    if (!is_slot(record.below, 0) || !is_slot(record.above, 0) || !is_slot(record.to, constant_slots)) return false;
  }
  return true;
}

// Indices that select the same on every machine: below 16, or 0x80.
INLINE bool masks_hold(const Ensemble& e, const Counts& counts) {
  const u32 groups = e.row_bytes / 16;
  const vec nothing = wasm_i8x16_splat((s8)0x80), sixteen = wasm_i8x16_splat(16);
  for (u32 i = 0; i < counts.mask_vectors; i++) {
    // The last vector of each question has its thresholds.
    if (i % (groups + 1) == groups) continue;
    const vec indices = wasm_v128_load(e.masks + 16 * i);
    if (!wasm_i8x16_all_true(wasm_v128_or(wasm_u8x16_lt(indices, sixteen), wasm_i8x16_eq(indices, nothing)))) return false;
  }
  return true;
}
