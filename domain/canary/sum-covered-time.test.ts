import fc from "fast-check";
import { expect, test } from "vitest";
import { sumCoveredTime } from "./sum-covered-time.ts";

const moment = fc.integer({ min: -5, max: 40 });
const span = fc.record({ from: moment, to: moment });

test("is the number of moments that at least one span covers, in whatever order they come", () => {
  fc.assert(
    fc.property(fc.array(span, { maxLength: 8 }), span, (spans, within) => {
      let moments = 0;
      for (let at = within.from; at < within.to; at++)
        if (spans.some(({ from, to }) => from <= at && at < to)) moments++;
      expect(sumCoveredTime(spans, within)).toBe(moments);
      expect(sumCoveredTime(spans.toReversed(), within)).toBe(moments);
    }),
  );
});
