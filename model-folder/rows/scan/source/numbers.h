// Reads numbers as JSON.parse does.
#pragma once
#include "scan.h"

// 10^0 to 10^22: the powers that a double holds exactly.
static const f64 exact_powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const u64 max_exact = 1ull << 53;
// Of more digits a number of 64 bits could overflow.
static const u32 max_digits = 19;
// Longer numbers are left to JSON.parse.
static const u32 max_length = 64;

// The double of a number with `length` characters at an address, as JavaScript reads it.
extern "C" __attribute__((import_module("host"), import_name("parse_number"))) f64 parse_number(u32 at, u32 length);

struct Number {
  f64 value;
  u32 end;
  bool is_valid;
};

INLINE u32 digit_at(u32 at) { return (u32)byte_at(at) - '0'; }

INLINE u32 skip_digits(u32 at) {
  while (digit_at(at) <= 9) at++;
  return at;
}

// A number with many digits or an exponent; its digits start at `first`. Its double is JavaScript's.
static __attribute__((noinline)) Number read_long_number(u32 first) {
  const Number invalid = {0, 0, false};
  u32 at = skip_digits(first);
  if (byte_at(at) == '.') {
    const u32 fraction = at + 1;
    at = skip_digits(fraction);
    if (at == fraction) return invalid;
  }
  if (byte_at(at) == 'e' || byte_at(at) == 'E') {
    at++;
    if (byte_at(at) == '+' || byte_at(at) == '-') at++;
    const u32 exponent = at;
    at = skip_digits(exponent);
    if (at == exponent) return invalid;
  }
  if (at - first > max_length) return invalid;
  return {parse_number(first, at - first), at, true};
}

// A negative zero is not valid: as text and as number it is not the same.
INLINE Number read_number(u32 start) {
  const Number invalid = {0, 0, false};
  const bool is_negative = byte_at(start) == '-';
  const u32 first = start + is_negative;
  u64 digits = 0;
  u32 at = first;
  for (u32 digit; (digit = digit_at(at)) <= 9; at++) digits = digits * 10 + digit;
  u32 count = at - first;
  // JSON has no number without a digit, and none with a leading zero.
  if (count == 0 || (byte_at(first) == '0' && count > 1)) return invalid;
  u32 places = 0;
  if (byte_at(at) == '.') {
    const u32 fraction = ++at;
    for (u32 digit; (digit = digit_at(at)) <= 9; at++) digits = digits * 10 + digit;
    places = at - fraction;
    if (places == 0) return invalid;
    count += places;
  }
  Number number = {(f64)digits, at, true};
  if (count > max_digits || digits > max_exact || places > 22 || (byte_at(at) | 0x20) == 'e') {
    number = read_long_number(first);
    if (!number.is_valid) return invalid;
  }
  // Both are exact, so the quotient is the double that is nearest to the text (Clinger 1990).
  else if (places > 0) number.value /= exact_powers[places];
  if (!is_negative) return number;
  return {-number.value, number.end, number.value != 0};
}
