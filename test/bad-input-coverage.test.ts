import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { remedies } from "#statemachine/remedies.ts";

const root = join(import.meta.dirname, "..");

/**
 * What can be wrong with what comes from outside; how it ends: an error by its name, or what else a person sees; and the
 * tests that hold it, by file and name.
 */
const badInputs: readonly (readonly [
  string,
  keyof typeof remedies | { readonly seen: string },
  readonly (readonly [string, string])[],
])[] = [
  [
    "a malformed event to a step",
    "ContractBroken",
    [
      ["domain/delivery/normalize-error.test.ts", "data that a contract refuses is ContractBroken"],
      ["worlds/aws/step-handler.test.ts", "an event that its contract refuses ends as ContractBroken"],
    ],
  ],
  [
    "a malformed event to start-delivery",
    { seen: "EventNotUnderstood says what to send" },
    [["lambdas/start-delivery/start-delivery.test.ts", "ends in a sentence that says what to send"]],
  ],
  [
    "a malformed callback",
    { seen: "400, or 401 before it is parsed" },
    [
      [
        "lambdas/start-delivery/github-webhook-handler.test.ts",
        "whoever changes a byte of body or signature is refused",
      ],
      ["slack/verify-slack-request.test.ts", "whoever changes a byte of the body is refused"],
    ],
  ],
  [
    "an unknown model",
    { seen: "named among the removed, and `slipway deliver` ends with a sentence" },
    [
      [
        "lambdas/start-delivery/start-delivery.test.ts",
        "a model whose folder the push removed is named and not delivered",
      ],
      ["cli/aws-world.peer.test.ts", "what cannot be done ends in a sentence and a code"],
    ],
  ],
  [
    "a commit that is gone",
    "CommitNotFound",
    [
      ["test/contracts/source.ts", "CommitNotFound"],
      ["cli/aws-world.peer.test.ts", "what cannot be done ends in a sentence and a code"],
    ],
  ],
  [
    "an expired task token",
    { seen: "the voter hears how the delivery ended" },
    [
      [
        "test/contracts/deliveries.ts",
        "a token is answered once: every later answer is TaskGone and changes nothing",
      ],
      ["domain/approval/approvals.test.ts", "a decision that no task accepted does not count as sent"],
      ["domain/approval/approvals.test.ts", "no vote counts from the expiry on"],
    ],
  ],
  [
    "an image that is gone from the registry",
    "NotServed",
    [["platform/serving/lambda.peer.test.ts", "an image that is gone from the registry ends as NotServed"]],
  ],
  [
    "an image that is gone before it is verified",
    "ImageNotFound",
    [["test/contracts/images.ts", "what was never built is not there, and cannot be scanned"]],
  ],
  [
    "a function that was deleted by hand",
    "NotServed",
    [
      [
        "platform/serving/lambda.peer.test.ts",
        "a function that was deleted by hand ends as NotServed, and ensuring makes it anew",
      ],
      [
        "lambdas/deploy-model/deploy-model.test.ts",
        "a function that was deleted by hand is made anew by the next delivery",
      ],
      [
        "lambdas/deploy-model/deploy-model.test.ts",
        "a champion that a rollback made anew is found by the next delivery, under its new number",
      ],
      ["domain/rollback/roll-back-prod.test.ts", "deleted functions are created again"],
    ],
  ],
  [
    "an alias with left-over weights",
    { seen: "healed by the next delivery" },
    [
      ["lambdas/deploy-model/deploy-model.test.ts", "what a former canary left is healed"],
      ["platform/serving/lambda.peer.test.ts", "the end of a canary leaves no weight behind"],
    ],
  ],
  [
    "a bucket without permission",
    "PermissionMissing",
    [["platform/errors/call-aws.test.ts", "without permission is PermissionMissing"]],
  ],
  [
    "a bucket that is not there",
    "NoSuchBucket",
    [["platform/blobs/s3.peer.test.ts", "a bucket that is not there is named by the error"]],
  ],
  [
    "a role that may not be assumed",
    "RoleNotAssumed",
    [
      ["platform/serving/assume-role.peer.test.ts", "RoleNotAssumed"],
      ["cli/doctor/run-checks.peer.test.ts", "stage's external id"],
    ],
  ],
  [
    "a secret without a value",
    "SecretMissing",
    [["test/contracts/secrets.ts", "a missing and an empty secret are SecretMissing"]],
  ],
  [
    "a function without its variables",
    "EnvironmentIncomplete",
    [
      [
        "worlds/aws/handlers.test.ts",
        "without its variables it fails with a sentence that names each of them",
      ],
    ],
  ],
];

test.each(badInputs)("%s ends as it should, and tests hold that", (_, end, tests) => {
  if (typeof end === "string") expect(remedies[end]).toMatch(/^[A-Z].{20,}\.$/s);
  expect(tests.length).toBeGreaterThan(0);
  for (const [file, name] of tests) expect(readFileSync(join(root, file), "utf8"), file).toContain(name);
});
