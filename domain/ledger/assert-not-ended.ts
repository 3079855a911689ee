import { Superseded } from "#domain/delivery/errors.ts";
import type { Deployment } from "./ledger.ts";

/** A rollback may have ended the deployment: then it gets no more traffic. Throws Superseded. */
export const assertNotEnded = ({ status }: Pick<Deployment, "status">): void => {
  if (status === "ended") throw new Superseded("a rollback of prod ended this deployment");
};
