// Reads the rows of a body { "rows": [ … ] } in one pass. docs/decisions/54-rows-that-are-valid-never-become-objects.md says why.
#include "numbers.h"
#include "scan.h"
#include "texts.h"

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

extern "C" u8 __heap_base;

// The first address that neither the stack nor the scanner's own data takes.
EXPORT(free_memory) u32 free_memory() { return (u32)&__heap_base; }

EXPORT(scan_bytes) u32 scan_bytes() { return sizeof(Scan); }
EXPORT(column_bytes) u32 column_bytes() { return sizeof(Column); }

INLINE bool is_space(u8 byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

struct Cursor {
  u32 at;
  bool has_lines;

  ALWAYS_INLINE void skip_space() {
    // Most bytes are no space, and one comparison tells.
    for (u8 byte; (byte = byte_at(at)) <= ' ' && is_space(byte); at++) has_lines |= byte == '\n';
  }
  // Steps over a byte and the space behind it; false if it is another one.
  ALWAYS_INLINE bool take(u8 byte) {
    if (byte_at(at) != byte) return false;
    at++;
    skip_space();
    return true;
  }
};

INLINE bool is_word(u32 at, const char (&word)[5]) { return *(const u32*)at == *(const u32*)word; }

struct Value {
  f64 value;
  u32 end;
  bool is_valid;
};

INLINE Value read_value(const Column& column, u32 at) {
  const Value invalid = {0, 0, false};
  const u8 first = byte_at(at);
  if (column.kind == kind_category && first == '"') {
    const Text* text = find(column.texts, at + 1);
    if (!text) return invalid;
    return {(f64)text->index, at + 1 + text->length, true};
  }
  if (column.kind == kind_number && first != 'n') {
    const Number number = read_number(at);
    const bool is_valid = number.is_valid && number.value >= column.min && number.value <= column.max &&
                          (!column.is_integer || __builtin_trunc(number.value) == number.value);
    return {number.value, number.end, is_valid};
  }
  if (is_word(at, "null")) return {__builtin_nan(""), at + 4, !column.required};
  if (column.kind != kind_boolean) return invalid;
  if (is_word(at, "true")) return {1, at + 4, true};
  return {0, at + 5, first == 'f' && is_word(at + 1, "alse")};
}

// Copies a value and puts a comma behind it; up to 16 bytes more are written.
INLINE u32 copy_value(u32 from, u32 end, u32 to) {
  const u32 comma = to + end - from;
  for (; from < end; from += 16, to += 16) wasm_v128_store((void*)to, load(from));
  *(u8*)comma = ',';
  return comma + 1;
}

// Reads the row behind its opening brace. False for a row that is left to JSON.parse.
INLINE bool read_row(Scan& s, Cursor& cursor) {
  const Column* columns = (const Column*)s.columns;
  const Text* names = (const Text*)s.names.list;
  u32* following = (u32*)s.following;
  u32* seen = (u32*)s.seen;
  const u32 row = s.row;
  f64* cells = (f64*)s.table + row * s.width;
  u32 present = 0;
  u32 before = 0;
  for (;;) {
    if (byte_at(cursor.at) != '"') return false;
    cursor.at++;
    // Names mostly come in the order of the row before.
    u32 index = following[before];
    if (!matches(names[index], cursor.at)) {
      const Text* name = find(s.names, cursor.at);
      if (!name) return false;
      index = name->index;
      following[before] = index;
      if (row > 0) s.are_alike = 0;
    }
    if (seen[index] == row) return false;
    seen[index] = row;
    if (row == 0) ((u32*)s.order)[present] = index;
    cursor.at += names[index].length;
    cursor.skip_space();
    if (!cursor.take(':')) return false;
    const Value value = read_value(columns[index], cursor.at);
    if (!value.is_valid) return false;
    cells[index] = value.value;
    s.listed = copy_value(cursor.at, value.end, s.listed);
    present++;
    before = index + 1;
    cursor.at = value.end;
    cursor.skip_space();
    if (byte_at(cursor.at) == '}') break;
    if (!cursor.take(',')) return false;
  }
  cursor.at++;
  if (row == 0) s.order_count = present;
  else if (present != s.order_count) s.are_alike = 0;
  if (present == s.width) return true;
  for (u32 index = 0; index < s.width; index++) {
    if (seen[index] == row) continue;
    if (columns[index].required) return false;
    cells[index] = __builtin_nan("");
  }
  return true;
}

// Where the first row begins in `{ "rows": [ … ] }`, as the scan's place. False for any other beginning.
EXPORT(begin) bool begin(Scan* given) {
  Scan& s = *given;
  Cursor cursor = {s.json, false};
  cursor.skip_space();
  if (!cursor.take('{')) return false;
  if (byte_at(cursor.at) != '"' || !is_word(cursor.at + 1, "rows") || byte_at(cursor.at + 5) != '"') return false;
  cursor.at += 6;
  cursor.skip_space();
  if (!cursor.take(':') || !cursor.take('[')) return false;
  u32* seen = (u32*)s.seen;
  for (u32 index = 0; index < s.width; index++) seen[index] = ~0u;
  s.at = cursor.at;
  s.row = 0;
  s.listed = s.lists;
  s.order_count = 0;
  s.are_alike = 1;
  s.has_lines = 0;
  return true;
}

// Reads rows from the scan's place on until the end of the body, or until the table is full.
EXPORT(read_rows) Result read_rows(Scan* given) {
  Scan& s = *given;
  Cursor cursor = {s.at, s.has_lines != 0};
  for (;; s.row++) {
    if (byte_at(cursor.at) != '{') return result_refused;
    if (s.row == s.capacity) {
      s.at = cursor.at;
      s.has_lines = cursor.has_lines;
      return result_needs_room;
    }
    u32* place = (u32*)s.places + 3 * s.row;
    place[0] = cursor.at - s.json;
    cursor.take('{');
    if (!read_row(s, cursor)) return result_refused;
    place[1] = cursor.at - s.json;
    place[2] = s.listed - s.lists;
    cursor.skip_space();
    if (byte_at(cursor.at) == ']') break;
    if (!cursor.take(',')) return result_refused;
  }
  s.row++;
  s.has_lines = cursor.has_lines;
  // Nothing follows the rows but the end of their object.
  cursor.take(']');
  if (!cursor.take('}')) return result_refused;
  return cursor.at == s.json + s.length ? result_done : result_refused;
}
