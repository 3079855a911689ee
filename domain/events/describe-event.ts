import type { SlipwayEvent } from "#platform/events/events.ts";

const describeArtefact = (artefact: { readonly modelVersion: number } | null): string =>
  artefact === null ? "no version" : `version ${artefact.modelVersion}`;

/** An event as a sentence for people. It may hold text from outside: callers escape it for where they show it. */
export const describeEvent = (event: SlipwayEvent): string => {
  switch (event.type) {
    case "started":
      return `${event.delivery} delivers commit ${event.commit.slice(0, 12)}.`;
    case "waiting":
      return `${event.canaryPercent == null ? "" : `The canary at ${event.canaryPercent} % is inconclusive: `}${event.delivery} needs ${event.quorum === 1 ? "an approval" : `${event.quorum} approvals`} for version ${event.modelVersion} until ${event.expiresAt}.`;
    case "decided":
      return `${event.canaryPercent == null ? `Version ${event.modelVersion} was` : `The inconclusive canary of version ${event.modelVersion} at ${event.canaryPercent} % was`} ${event.decision} by ${event.by.join(", ")}${event.reason === null ? "." : `: ${event.reason}`}`;
    case "canary-step":
      return `Version ${event.modelVersion} gets ${event.percent} % of prod's traffic.`;
    case "outcome":
      if (event.rolledBackBy !== undefined) return `${event.delivery}: rolled back by ${event.rolledBackBy}`;
      return `${event.delivery}: ${event.outcome}${event.error === null ? "." : ` (${event.error.name}: ${event.error.cause})`}`;
    case "rolled-back":
      return `Prod went back from ${describeArtefact(event.from)} to ${describeArtefact(event.to)}${event.reason === null ? ", because its canary ended early." : `: ${event.reason}`}`;
    case "configuration-drift":
      return `On ${event.environment} the alias live has ${event.found}; the ledger has ${event.expected === null ? "no version" : `function version ${event.expected}`}. Somebody changed it by hand: the next delivery or slipway rollback puts it right.`;
    default:
      return event satisfies never;
  }
};
