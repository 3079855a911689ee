import { expect, test } from "vitest";
import { formatNextCommit } from "./format-next-commit.ts";

test("a model of the seed has a command with its name and data folder", () => {
  const churn = { model: "churn", repository: "/data/repository", data: "" };
  expect(formatNextCommit(churn, ["better", "second"])[1]).toContain(
    "npx slipway rehearse --change better  ",
  );
  expect(
    formatNextCommit({ ...churn, model: "review-topic", data: " --data /data" }, ["better"])[1],
  ).toContain("npx slipway rehearse --change better --model review-topic --data /data  ");
});

test("a model without versions is committed from its folder, because --change would not know it", () => {
  const lines = formatNextCommit({ model: "pump", repository: "/data/repository", data: "" }, []);
  expect(lines.join("\n")).not.toContain("--change");
  expect(lines[1]).toBe(
    '  cp models/pump/* /data/repository/models/pump/ && git -C /data/repository add models/pump && git -C /data/repository commit -m "Change pump"',
  );
});
