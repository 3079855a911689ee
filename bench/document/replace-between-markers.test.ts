import { expect, test } from "vitest";
import { replaceBetweenMarkers } from "./replace-between-markers.ts";

test("only what is between a command's own markers is replaced", () => {
  const document =
    "a\n<!-- one writes from here -->\nold\n<!-- to here -->\n<!-- two writes from here -->\nkept\n<!-- to here -->\n";
  expect(replaceBetweenMarkers(document, "one", "new")).toBe(
    "a\n<!-- one writes from here -->\n\nnew\n\n<!-- to here -->\n<!-- two writes from here -->\nkept\n<!-- to here -->\n",
  );
});

test("a document without the markers is not changed", () => {
  expect(() =>
    replaceBetweenMarkers("a <!-- to here --> <!-- one writes from here -->", "one", "new"),
  ).toThrow("one writes from here");
});
