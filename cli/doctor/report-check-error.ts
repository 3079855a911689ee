import type { DoctorCheck, DoctorFinding } from "./finding.ts";

const deniedErrors = /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|Forbidden|403)$/;

/** Turns an error of a check into a finding, so that the other checks run. `what`: the checked thing, for the message. */
export const reportCheckError =
  (what: string, check: DoctorCheck): DoctorCheck =>
  async (): Promise<DoctorFinding | undefined> => {
    try {
      return await check();
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      return deniedErrors.test(name)
        ? {
            status: "warning",
            sentence: `You have no right to read ${what}: ${message}`,
            remedy: "Run the doctor with the operators' role; the platform team assigns it.",
          }
        : {
            status: "missing",
            sentence: `The check of ${what} failed: ${name}: ${message}`,
            remedy:
              "Check that this machine reaches AWS, and that region and profile are the tooling account's.",
          };
    }
  };
