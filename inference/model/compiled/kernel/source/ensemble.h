#pragma once
#include <stdint.h>
#include <wasm_simd128.h>

typedef int8_t s8;
typedef uint8_t u8;
typedef uint16_t u16;
typedef int32_t s32;
typedef uint32_t u32;
typedef uint64_t u64;
typedef v128_t vec;

#define INLINE static inline __attribute__((always_inline))
// Loops that take the time are functions of their own: in one large function V8 keeps their variables in memory.
#define SEPARATE static __attribute__((noinline))
#define UNROLL _Pragma("clang loop unroll(full)")

// A code is a byte that has the order of a feature's values: the number of cuts that a value reaches, less 128, because x86
// compares bytes only as signed numbers. Every node asks `code > threshold`: its "above" child if so, else its "below" child.

// A feature that some node reads, and its cuts in ascending order: 2^steps - 1 of them, padded with NaN, which no value reaches.
struct Feature {
  u32 source;
  u32 steps;
  u32 cuts;
  u32 columns;
  u32 columns_end;
};

// One byte per row, made of a feature's rank: the rank less `base`, between 0 and 255, or a table's byte for that rank.
struct Column {
  u32 base;
  u32 table;
  s32 missing;
};
static const u32 no_table = 0xffffffff;

struct Tree {
  u32 nodes;
  u32 weights;
  u32 target;
};

// A tree, or the part of it that has at most 255 leaves, as records that compute its leaf for many rows.
struct Piece {
  u32 records;
  u32 records_end;
  u32 result;
  u32 weights;
  u32 target;
};

struct Record {
  u32 column;
  u16 below;
  u16 above;
  u16 to;
  s8 threshold;
  u8 unused;
};

struct SymmetricTree {
  u32 depth;
  u32 weights;
  u32 target;
  s8 thresholds[8];
  u32 columns[8];
};

enum Aggregate { aggregate_sum, aggregate_average, aggregate_minimum, aggregate_maximum };
enum BulkKernel { bulk_slots, bulk_symmetric, bulk_walk };
enum RowKernel { row_masks, row_symmetric, row_walk };

// Numbers and addresses, in the order in which open-ensemble.ts writes them.
struct Ensemble {
  u32 feature_count;
  u32 width;
  // Weights of a leaf: 1 if each tree has one target, else `width` rounded up to a multiple of 4.
  u32 weights_per_leaf;
  u32 aggregate;
  u32 tree_count;
  u32 bulk_kernel;
  u32 row_kernel;
  // Fewer rows than this go to the row kernel, one by one.
  u32 bulk_from;
  u32 block_rows;
  // Depth to which the row kernels pad each tree.
  u32 depth;
  // Bytes of one row's codes, a multiple of 16.
  u32 row_bytes;
  u32 wide_nodes;
  u32 ranked_features;
  u32 piece_count;
  // Whether all trees weigh one target, and whether of two targets the first is the negative of the second.
  u32 one_target;
  u32 opposite;
  const Feature* features;
  const float* cuts;
  const Column* columns;
  const u8* tables;
  const Tree* trees;
  const float* weights;
  const u8* nodes;
  const u32* leaf_numbers;
  const u8* masks;
  const Piece* pieces;
  const Record* records;
  const SymmetricTree* symmetric_trees;
  const float* base;
  u8* slots;
  s8* codes;
  u32* leaves;
  float* sums;
  const float* input;
  float* output;
};
