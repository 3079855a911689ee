import { expect, test } from "vitest";
import { inlineComputedKeys } from "./inline-computed-keys.ts";

test("a key that a constant of the file defines is inlined, any other stays", () => {
  const source =
    'const _ht = "http";\nlet _b = "b";\nexport const a = { [_ht]: 1, [_b]: 2, [_c]: 3, x: [_ht] };\n';
  expect(inlineComputedKeys(source)).toBe(
    'const _ht = "http";\nlet _b = "b";\nexport const a = { "http": 1, [_b]: 2, [_c]: 3, x: [_ht] };\n',
  );
});
