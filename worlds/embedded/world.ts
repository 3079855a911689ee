import { randomBytes } from "node:crypto";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { consolePaths } from "#console/console-paths.ts";
import { createApprovals } from "#domain/approval/approvals.ts";
import { assertApprovable } from "#domain/approval/assert-approvable.ts";
import { findRejection } from "#domain/approval/find-rejection.ts";
import { createGroupReader } from "#domain/approval/group-reader.ts";
import { createPushLog } from "#domain/approval/push-log.ts";
import { resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { createAuditReader } from "#domain/audit/audit-reader.ts";
import { createAuditRecorder } from "#domain/audit/audit-recorder.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { createFreezes } from "#domain/changes/freezes.ts";
import { createHolds } from "#domain/changes/holds.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createOutbox } from "#domain/events/outbox.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createDeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { loadArtifactRules } from "#domain/policy/load-artifact-rules.ts";
import { createProvenanceStore } from "#domain/provenance/provenance-store.ts";
import { computeBuilderDigest } from "#packaging/builder-archive.ts";
import type { Anchors } from "#platform/anchors/anchors.ts";
import { createFileAnchors } from "#platform/anchors/files.ts";
import { assertArtifactAllowed } from "#platform/artifacts/assert-artifact-allowed.ts";
import { createBlobArtifactStore } from "#platform/artifacts/blob-artifact-store.ts";
import { openLocalArtifacts } from "#platform/artifacts/open-local-artifacts.ts";
import { resolveModelFiles } from "#platform/artifacts/resolve-model-files.ts";
import type { Blobs } from "#platform/blobs/blobs.ts";
import type { Cipher } from "#platform/cipher/cipher.ts";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import type { Events } from "#platform/events/events.ts";
import type { Images } from "#platform/images/images.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import type { Registry } from "#platform/registry/registry.ts";
import { readRotatedSecret } from "#platform/secrets/read-rotated-secret.ts";
import { createEmbeddedServing, type EmbeddedServing } from "#platform/serving/embedded.ts";
import type { Functions } from "#platform/serving/functions.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { Signer } from "#platform/signer/signer.ts";
import type { CommitHistory, Source } from "#platform/source/source.ts";
import type { Store } from "#platform/store/store.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { respectRateLimits } from "#slack/respect-rate-limits.ts";
import { createSlackChannel, type SlackApi } from "#slack/slack-channel.ts";
import type { Capabilities } from "./capabilities.ts";
import { consoleBase } from "./console-route.ts";
import { slackWorkspace } from "./desk/slack-workspace.ts";

/** Wraps a capability; the steps use the result in its place. */
export type Instrument = <Capability extends object>(name: string, capability: Capability) => Capability;

/** Assembles all capabilities that the steps use. */
export const assembleWorld = (
  capabilities: Capabilities,
  rest: {
    readonly images: Images;
    readonly functions: Functions;
    readonly deliveries: Deliveries;
    readonly slack: SlackApi;
  },
  instrument: Instrument = (_, capability) => capability,
) => {
  const { clock, log, url } = capabilities;
  const store = instrument<Store>("store", capabilities.store);
  const cipher = instrument<Cipher>("cipher", capabilities.cipher);
  const signer = instrument<Signer>("signer", capabilities.signer);
  const blobs = instrument<Blobs>("blobs", capabilities.blobs);
  const deliveries = instrument<Deliveries>("deliveries", rest.deliveries);
  const images = instrument<Images>("images", rest.images);
  const api = respectRateLimits(rest.slack, clock);
  const slack: SlackApi = {
    chat: instrument("slack.chat", api.chat),
    conversations: instrument("slack.conversations", api.conversations),
    views: instrument("slack.views", api.views),
    users: instrument("slack.users", api.users),
    usergroups: { users: instrument("slack.usergroups.users", api.usergroups.users) },
  };
  const serving = (environment: Environment) =>
    instrument<EmbeddedServing>(
      `serving.${environment}`,
      createEmbeddedServing({
        environment,
        // On AWS each environment has its own table.
        store: instrument<Store>(`serving.${environment}.store`, capabilities.store),
        images: rest.images,
        functions: rest.functions,
        url,
        random: Math.random,
      }),
    );
  const pages = consolePaths(consoleBase);
  const channel = createSlackChannel<MessageState>({
    slack,
    channel: slackWorkspace.channel.id,
    render: (state, form) =>
      renderMessageBlocks(state, url + pages.delivery(state.model, state.delivery), form),
    warn: log,
  });
  const registry = instrument<Registry>("registry", capabilities.registry);
  const anchors = instrument<Anchors>(
    "anchors",
    createFileAnchors({ folder: capabilities.folder.auditAnchors, signer, clock }),
  );
  const provenance = createProvenanceStore({ blobs, signer });
  const source = instrument<Source & CommitHistory>("source", capabilities.source);
  const ledger = createLedger({ store });
  const pushes = createPushLog({ store, clock });
  const artifacts = createBlobArtifactStore({ blobs });
  const { policy } = capabilities;
  const readGroups = createGroupReader({ slack, clock });
  const needs = {
    source,
    ledger,
    pushes,
    policy,
    slack,
    readGroups,
    warn: log,
    addresses: "any",
  } as const;
  return {
    ...capabilities,
    store,
    pushes,
    approversFor: resolveApprovers(needs),
    assertApprovable: assertApprovable({ ...needs, approversFor: resolveApprovers(needs) }),
    cipher,
    images,
    deliveries,
    slack,
    registry,
    anchors,
    audit: createAuditRecorder({ store, anchors, registry, clock, warn: log }),
    auditReader: createAuditReader({ store, anchors, registry, provenance, clock }),
    source,
    metrics: instrument<Metrics>("metrics", capabilities.metrics),
    blobs,
    artifacts,
    assertArtifactAllowed,
    resolveFiles: resolveModelFiles({
      artifacts: openLocalArtifacts({ repository: capabilities.folder.repository }),
      store: artifacts,
      rules: loadArtifactRules({ source, platform: async () => (await policy.read()).floor.artifacts }),
    }),
    signer,
    outbox: createOutbox({
      store,
      events: instrument<Events>("events", capabilities.events),
      warn: log,
    }),
    provenance,
    builder: computeBuilderDigest,
    serving: { stage: serving("stage"), prod: serving("prod") },
    // No step uses keys, so tests need no instrument here.
    keys: createApiKeyStore({ store: capabilities.store, random: randomBytes, clock }),
    claims: createClaims({ store }),
    freezes: createFreezes({ store, clock }),
    holds: createHolds({ store }),
    canaries: createCanaries({ store, clock }),
    readGroups,
    ledger,
    outcomes: createOutcomes({ store }),
    approvals: createApprovals({ store, cipher, deliveries, policy }),
    findRejection: findRejection({ store }),
    messages: createDeliveryMessages({ store, channel, clock, warn: log, policy }),
    warn: log,
    teamId: slackWorkspace.teamId,
    appId: slackWorkspace.appId,
    signingSecrets: readRotatedSecret(capabilities.secrets, "SLACK_SIGNING_SECRET"),
  };
};
export type World = ReturnType<typeof assembleWorld>;
