import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SecretMissing, type Secrets } from "#platform/secrets/secrets.ts";

export type SecretsUnderTest = {
  /** Holds `SLACK_BOT_TOKEN` with the value `xoxb-contract`, nothing under `MISSING_SECRET`, and an empty `EMPTY_SECRET`. */
  readonly secrets: Secrets;
  close(): Promise<void>;
};

/** The rules of `Secrets`, for every implementation. */
export const secretsContract = (name: string, make: () => Promise<SecretsUnderTest>): void => {
  describe(`secrets: ${name}`, () => {
    let subject: SecretsUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.close());

    test("a secret can be read by its name repeatedly", async () => {
      expect(await subject.secrets.read("SLACK_BOT_TOKEN")).toBe("xoxb-contract");
      expect(await subject.secrets.read("SLACK_BOT_TOKEN")).toBe("xoxb-contract");
    });

    test("a missing or empty secret fails with SecretMissing, and the message names it", async () => {
      for (const missing of ["MISSING_SECRET", "EMPTY_SECRET"]) {
        const reading = subject.secrets.read(missing);
        await expect(reading).rejects.toThrow(SecretMissing);
        await expect(reading).rejects.toThrow(missing);
      }
    });
  });
};
