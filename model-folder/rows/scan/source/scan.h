// What scan.cpp and the code that opens it share. Every address is one of the module's memory.
#pragma once
#include <wasm_simd128.h>

typedef unsigned char u8;
typedef int i32;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef double f64;

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define INLINE static ALWAYS_INLINE

enum Kind : u32 { kind_number = 0, kind_boolean = 1, kind_category = 2 };
enum Result : i32 { result_refused = 0, result_done = 1, result_needs_room = 2 };

// A text as JSON writes it, with its closing quote; zeros fill its last vector of 16 bytes.
struct Text {
  u32 bytes, length, index;
};

// Texts, and for many of them a table of their hashes: a slot is 0 or 1 + the place of a text.
struct Texts {
  u32 list, count, slots, slot_mask, longest;
};

struct Column {
  f64 min, max;
  Kind kind;
  u32 required, is_integer;
  Texts texts;
};

struct Scan {
  // The model: fixed.
  u32 width, columns;
  Texts names;
  // The column that came behind each column last time: that of a row's start is at 0.
  u32 following;
  // The row that had each column last; the columns of the first row in their order.
  u32 seen, order;
  // The body and where its rows go.
  u32 json, length, places, lists, table, capacity;
  // How far the scan is.
  u32 at, row, listed, order_count, are_alike, has_lines;
};

INLINE v128_t load(u32 address) { return wasm_v128_load((const void*)address); }
INLINE u8 byte_at(u32 address) { return *(const u8*)address; }
