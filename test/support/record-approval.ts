import type { NewApproval } from "#domain/approval/approvals.ts";
import { approvalDefaults } from "./approval-defaults.ts";
import type { MemoryWorld } from "./memory-world.ts";
import { fakeCommit, fakeDigest, toyModel } from "./toy-model.ts";

/** An approval request for the image and version of a letter, as a delivery makes it. */
export const createNewApproval = (
  world: MemoryWorld,
  {
    delivery,
    letter,
    version,
    ...more
  }: { delivery: string; letter: string; version: number } & Partial<NewApproval>,
): NewApproval => ({
  delivery,
  model: toyModel,
  commit: fakeCommit(letter),
  digest: fakeDigest(letter),
  version,
  ...approvalDefaults,
  askedAt: world.time.now,
  expiresAt: world.time.now + 3_600_000,
  ...more,
});

/** Records an approval for this image and version, based on the version in prod; returns its id. */
export const recordApproval = async (
  world: MemoryWorld,
  request: Parameters<typeof createNewApproval>[1],
): Promise<string> => {
  const baseline = (await world.ledger.serving("prod", toyModel))?.sequence ?? 0;
  const { id } = await world.approvals.ask(
    createNewApproval(world, { baseline, ...request }),
    `token-${request.delivery}`,
  );
  const person = { user: "U024BE7LH", name: "Ada", email: "ada@example.com" };
  await world.approvals.vote(id, { ...person, verdict: "approved", reason: null, at: world.time.now });
  return id;
};
