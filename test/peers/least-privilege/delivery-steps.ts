import { createHmac } from "node:crypto";
import { deriveApprovalId } from "#domain/approval/approval-records.ts";
import type { FollowUp } from "#domain/approval/finish-approval.ts";
import { sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { buildModelFiles, buildModelYaml, policyYaml, toyModel } from "#test/support/toy-model.ts";
import type { FunctionsWorld } from "./functions-world.ts";

/** A step's result; the next steps get its fields unchanged. */
type StepOutput = Readonly<Record<string, unknown>>;
export type DeliveryRef = { readonly delivery: string; readonly model: string; readonly commit: string };

type StageOptions = {
  readonly verified?: boolean;
  /** Runs before a second call of the step. */
  readonly onceRegistered?: () => Promise<unknown>;
  /** Gets stage's version before a second call of the step. */
  readonly onceDeployed?: (functionVersion: string) => Promise<unknown>;
};

const author = { name: "Ada Lovelace", email: "ada@example.com" };
const approval = "{ approvers: [U024BE7LH], quorum: 1, authorMayApprove: false, timeout: PT24H }";
/** Its canary has no conclusive traffic, so that the first look replays recorded inputs. */
const canary = "{ steps: [10, 50], bake: PT30M, minSamples: 200, onInconclusive: roll-back, atMost: PT6H }";
const runtime = `sha256:${"a".repeat(64)}`;

/**
 * The steps of a delivery, each a call of a function's bundle with the state machine's input.
 * `failed`: names and messages of bundles that ended with an error.
 */
export const createDeliverySteps = (world: FunctionsWorld) => {
  const { repository, written } = world;
  const { slack, source } = written.accounts.tooling;
  const failed: string[] = [];
  const ask = async (name: string, event: unknown): Promise<StepOutput> => {
    const { answers, error } = await world.run(name, event);
    if (error !== "") failed.push(`${name}: ${error}`);
    return { ...Object(answers[0]) };
  };

  /** The files of each commit's model. */
  const filesByCommit = new Map<string, ReadonlyMap<string, Uint8Array>>();
  let before: string | null = null;
  /** Commits and pushes the model; returns the delivery that starts for it. */
  const push = async (letter: string): Promise<DeliveryRef> => {
    const folder = buildModelFiles(letter, buildModelYaml({ approval, canary }));
    const files = [...folder].map(
      ([file, bytes]) => [`models/${toyModel}/${file}`, Buffer.from(bytes)] as const,
    );
    const after = await repository.commit(
      { "policy.yaml": policyYaml, ...Object.fromEntries(files) },
      letter,
    );
    filesByCommit.set(after, folder);
    const { deliveries } = await ask("start-delivery", {
      source: "aws.codecommit",
      detail: {
        event: before === null ? "referenceCreated" : "referenceUpdated",
        repositoryName: source.repository,
        referenceType: "branch",
        referenceName: "main",
        commitId: after,
        ...(before === null ? {} : { oldCommitId: before }),
        callerUserArn:
          "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_people_0123456789abcdef/ada@example.com",
      },
    });
    before = after;
    return { delivery: (deliveries as { name: string }[])[0]?.name ?? "", model: toyModel, commit: after };
  };

  const claimStage = (subject: DeliveryRef) =>
    ask("claim-environment", {
      ...subject,
      environment: "stage",
      requestedAt: Date.now(),
      pusher: author.email,
    });

  /** Scans, registers and deploys on stage; `verified`: also measures every gate. */
  const onStage = async (
    subject: DeliveryRef,
    digest: string,
    { verified = true, onceRegistered, onceDeployed }: StageOptions = {},
  ) => {
    const { fence } = await claimStage(subject);
    await world.scanned(digest);
    const files = filesByCommit.get(subject.commit) ?? new Map();
    await world.signed({ digest, model: toyModel, commit: subject.commit, runtime, files });
    const build = [
      { Name: "SLIPWAY_DIGEST", Value: digest },
      { Name: "SLIPWAY_SIZE_BYTES", Value: "1000" },
      { Name: "SLIPWAY_BUILD_ID", Value: "build:1" },
      { Name: "SLIPWAY_BUILT_AT", Value: String(Date.now()) },
    ];
    await ask("scan-image", { ...subject, build });
    const register = () => ask("register-model", { ...subject, fence, build, runtime });
    const { version } = await register();
    if (onceRegistered !== undefined) {
      await onceRegistered();
      await register();
    }
    const image = { digest, version };
    const deploy = () => ask("deploy-model", { ...subject, ...image, environment: "stage", fence });
    const { functionVersion } = await deploy();
    if (onceDeployed !== undefined) {
      await onceDeployed(String(functionVersion));
      await deploy();
    }
    if (verified) await ask("verify-model", { ...subject, ...image, fence, functionVersion });
    return { ...image, stageFence: fence };
  };
  type Staged = Awaited<ReturnType<typeof onStage>>;

  const requestApproval = (subject: DeliveryRef, { digest, version, stageFence }: Staged, baseline: number) =>
    ask("request-approval", {
      ...subject,
      digest,
      version,
      baseline,
      fence: stageFence,
      taskToken: sentinelSecrets.taskToken,
      author,
      pusher: "ada@example.com",
      scanChecks: [],
      checks: [],
      omitted: [],
      timeoutSeconds: 86_400,
    });

  /** A click on Approve, as API Gateway passes Slack's signed request to the function, and the invocation that follows it. */
  const approve = async ({ delivery }: DeliveryRef, baseline: number) => {
    const question = deriveApprovalId({ model: toyModel, delivery, baseline });
    const payload = {
      type: "block_actions",
      user: { id: "U024BE7LH", name: "grace" },
      team: { id: slack.teamId },
      api_app_id: slack.appId,
      trigger_id: "1.2",
      channel: { id: slack.channel },
      actions: [{ action_id: "approve", value: question }],
    };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const time = String(Math.floor(Date.now() / 1_000));
    const hash = createHmac("sha256", sentinelSecrets.signingSecret)
      .update(`v0:${time}:${body}`)
      .digest("hex");
    await ask("answer-approval", {
      version: "2.0",
      requestContext: { http: { method: "POST" } },
      headers: { "x-slack-request-timestamp": time, "x-slack-signature": `v0=${hash}` },
      body: Buffer.from(body).toString("base64"),
      isBase64Encoded: true,
    });
    // moto accepts the asynchronous invocation, and runs none.
    const followUp: FollowUp = { followUp: "finish-approval", approval: question, explainTo: null };
    return ask("answer-approval", followUp);
  };

  const claimProd = (subject: DeliveryRef, { digest, version, stageFence }: Staged, baseline: number) =>
    ask("claim-environment", {
      ...subject,
      environment: "prod",
      requestedAt: Date.now(),
      stageFence,
      baseline,
      approval: deriveApprovalId({ model: toyModel, delivery: subject.delivery, baseline }),
      digest,
      version,
      approvedAt: Date.now(),
    });

  const onProd = async (subject: DeliveryRef, staged: Staged, baseline: number) => {
    const { digest, version, stageFence } = staged;
    const approval = deriveApprovalId({ model: toyModel, delivery: subject.delivery, baseline });
    const { fence } = await claimProd(subject, staged, baseline);
    const image = { digest, version, approval };
    const deployed = await ask("deploy-model", { ...subject, environment: "prod", ...image, fence });
    const { functionVersion, championVersion } = deployed;
    return { ...image, stageFence, fence, functionVersion, championVersion };
  };
  type OnProd = Awaited<ReturnType<typeof onProd>>;

  /** Returns the ledger's sequence, the baseline of the next approval. */
  const promote = async (subject: DeliveryRef, deployed: OnProd): Promise<number> => {
    const { championVersion: _, ...facts } = deployed;
    const approvedBy = [{ user: "U024BE7LH", name: "grace", at: new Date().toISOString() }];
    const { sequence } = await ask("promote-model", {
      ...{ ...subject, ...facts, approvedBy },
      waitsWhileClosed: true,
    });
    return Number(sequence);
  };

  return { failed, ask, push, claimStage, claimProd, onStage, requestApproval, approve, onProd, promote };
};
