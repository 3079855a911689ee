#pragma once
#include "ensemble.h"

// Weights are added tree after tree in 32-bit floats, as onnxruntime adds them on one thread: the sums are the same to the last bit.

// A weight or a number that is missing from a minimum or maximum is NaN.
INLINE vec combine(u32 aggregate, vec so_far, vec weight) {
  if (aggregate <= aggregate_average) return wasm_f32x4_add(so_far, weight);
  const vec replaces = aggregate == aggregate_minimum ? wasm_f32x4_lt(weight, so_far) : wasm_f32x4_gt(weight, so_far);
  const vec first = wasm_f32x4_ne(so_far, so_far);
  return wasm_v128_bitselect(weight, so_far, wasm_v128_or(replaces, first));
}

INLINE void clear_sums(const Ensemble& e, u32 count) {
  const vec start = e.aggregate <= aggregate_average ? wasm_f32x4_splat(0) : wasm_f32x4_splat(__builtin_nanf(""));
  for (u32 i = 0; i < count; i += 4) wasm_v128_store(e.sums + i, start);
}

INLINE float finish(const Ensemble& e, u32 target, float sum) {
  if (e.aggregate == aggregate_average) sum /= (float)e.tree_count;
  else if (sum != sum) sum = 0;
  return sum + e.base[target];
}

// Adds all the weights of a leaf to a row's numbers.
INLINE void add_leaf(const Ensemble& e, float* sums, u32 leaf) {
  const float* weights = e.weights + leaf * e.weights_per_leaf;
  for (u32 k = 0; k < e.weights_per_leaf; k += 4)
    wasm_v128_store(sums + k, combine(e.aggregate, wasm_v128_load(sums + k), wasm_v128_load(weights + k)));
}

// The numbers of one row, from the leaf of each tree.
INLINE void sum_row(const Ensemble& e, const u32* leaves, float* output) {
  if (e.weights_per_leaf == 1 && e.width == 1) {
    float sum = 0;
    for (u32 t = 0; t < e.tree_count; t++) sum += e.weights[e.trees[t].weights + leaves[t]];
    output[0] = finish(e, 0, sum);
    return;
  }
  if (e.weights_per_leaf == 1) {
    clear_sums(e, e.width);
    for (u32 t = 0; t < e.tree_count; t++) e.sums[e.trees[t].target] += e.weights[e.trees[t].weights + leaves[t]];
  } else {
    clear_sums(e, e.weights_per_leaf);
    for (u32 t = 0; t < e.tree_count; t++) add_leaf(e, e.sums, e.trees[t].weights + leaves[t]);
  }
  for (u32 k = 0; k < e.width; k++) output[k] = finish(e, k, e.sums[k]);
}

// Adds one tree's weights for a block of rows. With one target per tree the sums lie target by target, else row by row.
template <typename Leaf>
INLINE void add_leaves(const Ensemble& e, u32 weights, u32 target, const Leaf* leaves, u32 count) {
  if (e.weights_per_leaf != 1) {
    for (u32 r = 0; r < count; r++) add_leaf(e, e.sums + r * e.weights_per_leaf, weights + leaves[r]);
    return;
  }
  const float* start = e.weights + weights;
  float* sums = e.sums + target * e.block_rows;
  for (u32 r = 0; r < count; r += 4) {
    vec four = wasm_v128_load32_zero(start + leaves[r]);
    four = wasm_v128_load32_lane(start + leaves[r + 1], four, 1);
    four = wasm_v128_load32_lane(start + leaves[r + 2], four, 2);
    four = wasm_v128_load32_lane(start + leaves[r + 3], four, 3);
    wasm_v128_store(sums + r, wasm_f32x4_add(wasm_v128_load(sums + r), four));
  }
}

INLINE void finish_block(const Ensemble& e, u32 count, float* output) {
  const u32 row_step = e.weights_per_leaf == 1 ? 1 : e.weights_per_leaf;
  const u32 target_step = e.weights_per_leaf == 1 ? e.block_rows : 1;
  for (u32 r = 0; r < count; r++)
    for (u32 k = 0; k < e.width; k++)
      output[r * e.width + k] = finish(e, k, e.sums[r * row_step + k * target_step]);
}
