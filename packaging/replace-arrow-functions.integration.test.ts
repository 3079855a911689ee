import { expect, test } from "vitest";
import { withEsbuild } from "./bundle-runtime.ts";
import { replaceArrowFunctions } from "./replace-arrow-functions.ts";

const options = { target: "node24", charset: "ascii" } as const;
const replace = (code: string) => withEsbuild(() => replaceArrowFunctions(code, options));

test("no arrow function is left, and the code does the same", async () => {
  const source = "export const add = (a, { b = 2 } = {}) => [1, 2].map((each) => each + a + b);";
  const code = await replace(source);
  expect(code).not.toContain("=>");
  const { add } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  expect(add(1)).toEqual([4, 5]);
  expect(add(1, { b: 0 })).toEqual([2, 3]);
});

test("code is refused that would use `this` before super()", async () => {
  const source = `class Base {}
    export class Derived extends Base {
      constructor() { super(); this.read = () => this; }
    }`;
  await expect(replace(source)).rejects.toThrow(/uses `this`/);
});
