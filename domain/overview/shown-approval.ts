import type { Approval } from "#domain/approval/approval-records.ts";

/** An approval as pages may show it. */
export type ShownApproval = Omit<Approval, "token">;

/** Leaves out the task token, although it is encrypted: no page needs it. */
export const toShownApproval = ({ token: _, ...shown }: Approval): ShownApproval => shown;
