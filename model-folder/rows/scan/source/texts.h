// Finds texts by 16 bytes at a time.
#pragma once
#include "scan.h"

// So many bytes of ones and then as many zeros: a vector at 16 - n keeps n bytes.
alignas(16) static const u8 kept[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

// Whether the text's bytes are those at an address. What follows the body is 0, which is in no text.
INLINE bool matches(const Text& text, u32 at) {
  u32 bytes = text.bytes;
  u32 length = text.length;
  for (; length > 16; length -= 16, bytes += 16, at += 16)
    if (wasm_v128_any_true(wasm_v128_xor(load(at), load(bytes)))) return false;
  const v128_t last = wasm_v128_and(load(at), load((u32)kept + 16 - length));
  return !wasm_v128_any_true(wasm_v128_xor(last, load(bytes)));
}

// The text that starts at an address, behind its opening quote; null if it is none of them.
INLINE const Text* find(const Texts& texts, u32 start) {
  const Text* list = (const Text*)texts.list;
  if (texts.slots == 0) {
    for (u32 place = 0; place < texts.count; place++)
      if (matches(list[place], start)) return list + place;
    return nullptr;
  }
  // FNV-1a.
  u32 hash = 0x811c9dc5;
  // The bytes before the closing quote, and no more than the longest text has.
  const u32 end = start + texts.longest;
  for (u32 at = start; at < end && byte_at(at) != '"'; at++) hash = (hash ^ byte_at(at)) * 0x01000193;
  const u32* slots = (const u32*)texts.slots;
  // An empty slot ends the search: at most a quarter of them is used.
  for (u32 slot = (hash ^ (hash >> 15)) & texts.slot_mask;; slot = (slot + 1) & texts.slot_mask) {
    if (slots[slot] == 0) return nullptr;
    const Text* text = list + slots[slot] - 1;
    if (matches(*text, start)) return text;
  }
}
