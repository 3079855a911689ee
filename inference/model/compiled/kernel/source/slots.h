#pragma once
#include "ensemble.h"

// A slot holds one byte for each of 64 rows. The first 256 slots are constants: slot i holds the leaf number i.
static const u32 slot_bytes = 64;
static const u32 constant_slots = 256;
static const u32 result_slots = 48;

// Runs a piece's records for 16 * vectors rows: children come before their parent, and a record chooses for each row between the leaf
// numbers of its two children. Every lane of a comparison is 0 or -1, so relaxed_laneselect gives the same on every machine.
template <int vectors>
INLINE void run_records(const Record* record, const Record* end, const s8* codes, u8* slots) {
  for (; record < end; record++) {
    const vec threshold = wasm_v128_load8_splat(&record->threshold);
    const s8* code = codes + record->column;
    const u8 *below = slots + record->below, *above = slots + record->above;
    u8* to = slots + record->to;
    vec chosen[vectors];
    UNROLL for (int v = 0; v < vectors; v++)
      chosen[v] = wasm_i8x16_relaxed_laneselect(wasm_v128_load(above + 16 * v), wasm_v128_load(below + 16 * v),
                                                wasm_i8x16_gt(wasm_v128_load(code + 16 * v), threshold));
    UNROLL for (int v = 0; v < vectors; v++) wasm_v128_store(to + 16 * v, chosen[v]);
  }
}

template <int vectors>
INLINE void find_piece_leaves(const Ensemble& e, const Piece& piece, const s8* codes, u8* leaves) {
  run_records<vectors>(e.records + piece.records, e.records + piece.records_end, codes, e.slots);
  for (int v = 0; v < vectors; v++)
    wasm_v128_store(leaves + 16 * v, wasm_v128_load(e.slots + piece.result + 16 * v));
}

// The leaf of a piece for each of `count` rows.
SEPARATE void find_piece_leaves(const Ensemble& e, const Piece& piece, const s8* codes, u32 count, u8* leaves) {
  u32 r = 0;
  for (; r + 32 < count; r += 64) find_piece_leaves<4>(e, piece, codes + r, leaves + r);
  if (r + 16 < count) find_piece_leaves<2>(e, piece, codes + r, leaves + r);
  else if (r < count) find_piece_leaves<1>(e, piece, codes + r, leaves + r);
}
