import type { VerifyProvenance } from "./provenance.ts";

/** Of a world whose builder signs nothing yet: nothing is verified, and the ledger and the message name no builder. */
export const noProvenance: VerifyProvenance = { verify: async () => null };
