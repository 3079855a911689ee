import { Superseded } from "#domain/delivery/errors.ts";
import type { Deployment } from "./ledger.ts";

/** A deployment that a rollback has ended gets no traffic any more. Throws Superseded. */
export const assertNotEnded = ({ status }: Pick<Deployment, "status">): void => {
  if (status === "ended") throw new Superseded("this deployment was ended on prod by a rollback");
};
