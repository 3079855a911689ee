import { expect, test } from "vitest";
import { NoAuditEntries } from "#domain/audit/audit-reader.ts";
import { PolicyRefused, ProposalUnknown } from "#domain/policy/policy-writer.ts";
import { toExitCode } from "./exit-code.ts";

test.each([
  ["a version without entries in the audit trail", new NoAuditEntries("version 77"), 2],
  ["a proposal that does not exist", new ProposalUnknown("There is no proposal zz"), 2],
  ["a proposal that is refused", new PolicyRefused("ada proposed this"), 1],
])("what does not exist is a wrong command line: %s", (_, error, code) =>
  expect(toExitCode(error)).toBe(code),
);
