#pragma once
#include "ensemble.h"

// How many cuts each of four values reaches: four binary searches without a branch, side by side. NaN reaches none.
INLINE void rank_four(const float* const cuts[4], u32 steps, const float value[4], u32 rank[4]) {
  for (int i = 0; i < 4; i++) rank[i] = 0;
  for (u32 half = steps == 0 ? 0 : 1u << (steps - 1); half; half >>= 1)
    UNROLL for (int i = 0; i < 4; i++) rank[i] += cuts[i][rank[i] + half - 1] <= value[i] ? half : 0;
}

INLINE s8 encode(const Ensemble& e, const Column& column, u32 rank, float value) {
  if (value != value) return (s8)column.missing;
  if (column.table != no_table) return (s8)(e.tables[column.table + rank] - 128);
  s32 code = (s32)rank - (s32)column.base;
  code = code < 0 ? 0 : code;
  return (s8)((code > 255 ? 255 : code) - 128);
}

// The codes of one row, `row_bytes` of them from `to` on.
SEPARATE void encode_row(const Ensemble& e, const float* row, s8* to) {
  u32 f = 0;
  while (f < e.ranked_features) {
    const Feature* feature = e.features + f;
    // Features are sorted by steps, so that mostly four in a row have as many.
    const u32 count = f + 4 <= e.ranked_features && feature[3].steps == feature[0].steps ? 4 : 1;
    const float* cuts[4];
    float value[4];
    u32 rank[4];
    for (u32 i = 0; i < 4; i++) {
      const Feature& one = feature[i < count ? i : 0];
      cuts[i] = e.cuts + one.cuts;
      value[i] = row[one.source];
    }
    rank_four(cuts, feature->steps, value, rank);
    for (u32 i = 0; i < count; i++)
      for (u32 c = feature[i].columns; c < feature[i].columns_end; c++)
        to[c] = encode(e, e.columns[c], rank[i], value[i]);
    f += count;
  }
}

// Rows that are encoded together, so that they stay in the first cache while feature after feature is read.
static const u32 tile_rows = 64;

// The codes of up to `block_rows` rows, column by column: column c begins at c * block_rows.
SEPARATE void encode_columns(const Ensemble& e, const float* rows, u32 count, s8* to) {
  const u32 row_floats = e.feature_count;
  for (u32 tile = 0; tile < count; tile += tile_rows) {
    const u32 end = tile + tile_rows < count ? tile + tile_rows : count;
    for (u32 f = 0; f < e.ranked_features; f++) {
      const Feature& feature = e.features[f];
      const u32 steps = feature.steps;
      const float* start = e.cuts + feature.cuts;
      const float* const cuts[4] = {start, start, start, start};
      const Column& first = e.columns[feature.columns];
      const bool plain = feature.columns_end == feature.columns + 1 && first.table == no_table &&
                         first.base == 0 && first.missing == -128;
      // The memory has rows in multiples of four: what lies behind the last row is encoded, too, and read by nobody.
      const float* next = rows + tile * row_floats + feature.source;
      s8* column = to + feature.columns * e.block_rows;
      for (u32 r = tile; r < end; r += 4, next += 4 * row_floats) {
        const float value[4] = {next[0], next[row_floats], next[2 * row_floats], next[3 * row_floats]};
        u32 rank[4];
        rank_four(cuts, steps, value, rank);
        if (plain) {
          *(u32*)(column + r) =
              (rank[0] | rank[1] << 8 | rank[2] << 16 | rank[3] << 24) ^ 0x80808080u;
          continue;
        }
        for (u32 c = feature.columns; c < feature.columns_end; c++)
          for (u32 i = 0; i < 4; i++)
            to[c * e.block_rows + r + i] = encode(e, e.columns[c], rank[i], value[i]);
      }
    }
  }
}
