#pragma once
#include "ensemble.h"

struct WordSums {
  u64 sum;
  u64 sums;
};

// Adds words to a checksum (sum-words.ts). V8 runs this at once as machine code; the same loop in JavaScript it would interpret,
// and compile twice while it runs.
SEPARATE void add_words_to(WordSums& result, const u32* words, u32 count) {
  u64 sum = result.sum, sums = result.sums;
  for (u32 i = 0; i < count; i++) {
    sum += words[i];
    sums += sum;
  }
  result.sum = sum;
  result.sums = sums;
}
