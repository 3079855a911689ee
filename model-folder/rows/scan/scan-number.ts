const minus = 0x2d;
const plus = 0x2b;
const point = 0x2e;
const zero = 0x30;
const upperE = 0x45;
const lowerE = 0x65;

/** 10^0 to 10^22: the powers that a double holds exactly. */
const exactPowers = Float64Array.from({ length: 23 }, (_, power) => 10 ** power);

/** Longer ones are left to JSON.parse. */
const maxLength = 64;

/** A number in JSON and where it ends. */
export type NumberScanner = {
  /**
   * Reads the number at `start` as JSON.parse does. NaN where there is none, and for a negative zero, which as text and as
   * number is not the same.
   */
  scan(json: Uint8Array, start: number): number;
  /** The first byte behind the number that was read last. */
  readonly end: number;
};

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= zero + 9;

const skipDigits = (json: Uint8Array, start: number): number => {
  let at = start;
  while (isDigit(json[at])) at++;
  return at;
};

/** The end of the fraction and the exponent, if any, of a number whose digits end at `start`; -1 if they are not valid. */
const findNumberEnd = (json: Uint8Array, start: number): number => {
  let at = start;
  if (json[at] === point) {
    at = skipDigits(json, start + 1);
    if (at === start + 1) return -1;
  }
  const mark = json[at];
  if (mark !== upperE && mark !== lowerE) return at;
  at++;
  if (json[at] === plus || json[at] === minus) at++;
  const end = skipDigits(json, at);
  return end === at ? -1 : end;
};

/** Creates a scanner, whose `end` belongs to one caller at a time. */
export const createNumberScanner = (): NumberScanner => {
  const scanner = {
    end: 0,
    scan(json: Uint8Array, start: number): number {
      const isNegative = json[start] === minus;
      const first = isNegative ? start + 1 : start;
      let digits = 0;
      let at = first;
      for (; at < json.length; at++) {
        const digit = (json[at] ?? 0) - zero;
        if (digit < 0 || digit > 9) break;
        digits = digits * 10 + digit;
      }
      // JSON has no number without a digit, and none with a leading zero.
      if (at === first || (json[first] === zero && at > first + 1)) return Number.NaN;
      let places = 0;
      if (json[at] === point) {
        const from = ++at;
        for (; at < json.length; at++) {
          const digit = (json[at] ?? 0) - zero;
          if (digit < 0 || digit > 9) break;
          digits = digits * 10 + digit;
        }
        places = at - from;
        if (places === 0) return Number.NaN;
      }
      const mark = json[at];
      const isExact =
        digits <= Number.MAX_SAFE_INTEGER &&
        places < exactPowers.length &&
        mark !== upperE &&
        mark !== lowerE;
      let value = digits;
      // Both are exact, so the quotient is the double that is nearest to the text (Clinger 1990).
      if (isExact) value = places === 0 ? digits : digits / (exactPowers[places] ?? 1);
      else {
        at = findNumberEnd(json, skipDigits(json, first));
        if (at < 0 || at - first > maxLength) return Number.NaN;
        value = Number(String.fromCharCode(...json.subarray(first, at)));
      }
      scanner.end = at;
      if (!isNegative) return value;
      return value === 0 ? Number.NaN : -value;
    },
  };
  return scanner;
};
