import { html } from "hono/html";
import type { Html } from "../html.ts";
import type { AuditTrail } from "./audit-trail.ts";

const describeAnchor = ({
  anchor,
  unanchored = 0,
}: Extract<AuditTrail["verification"], { readonly status: "verified" }>): string => {
  if (anchor === null) return "No entry is anchored outside the store yet.";
  const later =
    unanchored === 0
      ? ""
      : ` ${unanchored === 1 ? "The newest entry is" : `The newest ${unanchored} entries are`} not anchored yet: a change there could stay hidden.`;
  return `Anchored up to entry ${anchor.sequence} in ${anchor.where}.${later}`;
};

/** Whether the chain holds, up to where it is anchored, and what was not compared. */
export const renderVerification = ({
  verification,
  tags = "compared",
}: Pick<AuditTrail, "verification" | "tags">): Html =>
  html`${
    verification.status === "verified"
      ? html`<p class="notice good"><b>✓ The chain holds.</b> ${describeAnchor(verification)}</p>`
      : html`<p class="notice bad"><b>✕ The chain is broken.</b> ${verification.problem} Find out who wrote to the store (CloudTrail on AWS), and keep a copy of it before anything else.</p>`
  }${
    tags === "compared"
      ? html``
      : html`<p class="faint">The registry's tags are not compared here, because the console may not read the registry. The command below compares them, too.</p>`
  }`;
