import { expect, test } from "vitest";
import { formatHeadline } from "./format-headline.ts";
import type { MessageState } from "./message-state.ts";

const show = (by: string) =>
  formatHeadline({
    ...{ model: "churn", version: 2, outcome: null, question: null, progress: null, replaced: false },
    rolledBack: { by, kind: "interrupted" },
  } as MessageState);

test.each([
  ["ada: slow answers", "ada"],
  ["arn:aws:iam::111111111111:user/ops: slow: very", "ops"],
  [
    "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/ada@example.com: slow",
    "AWSReservedSSO_Ops_0123456789abcdef/ada@example.com",
  ],
  [
    `arn:aws:sts::111111111111:assumed-role/${"r".repeat(64)}/ada@example.com: slow`,
    `${"r".repeat(44)}/ada@example.com`,
  ],
  ["arn:aws:iam::111111111111:root: slow", "arn:aws:iam::111111111111:root"],
])("a rollback by %j names the person in the headline", (by, person) => {
  expect(show(by)).toBe(`churn v2: rolled back by ${person}`);
});
