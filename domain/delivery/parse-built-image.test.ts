import { expect, test } from "vitest";
import { createBuildVariables } from "#test/support/fake-build.ts";
import { fakeDigest } from "#test/support/toy-model.ts";
import { buildVariables, parseBuiltImage } from "./parse-built-image.ts";

test("an image is read from the variables of a build in any order, and other variables are ignored", () => {
  expect(parseBuiltImage([{ Name: "PATH", Value: "x" }, ...createBuildVariables("a", 77)].reverse())).toEqual(
    {
      digest: fakeDigest("a"),
      sizeBytes: 1_000,
      buildId: "build:1",
      builtAt: 77,
    },
  );
});

test.each([buildVariables.digest, buildVariables.sizeBytes, buildVariables.buildId, buildVariables.builtAt])(
  "a build whose %s is missing, empty or invalid has no valid image",
  (name) => {
    const others = createBuildVariables("a").filter(({ Name }) => Name !== name);
    const invalid = [others, [...others, { Name: name, Value: "" }]];
    if (name !== buildVariables.buildId) invalid.push([...others, { Name: name, Value: "latest" }]);
    for (const variables of invalid)
      expect(() => parseBuiltImage(variables)).toThrow(expect.objectContaining({ name: "ContractBroken" }));
  },
);
