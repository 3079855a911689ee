import type { DoctorCheck, DoctorFinding } from "./finding.ts";

const deniedErrors = /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|Forbidden|403)$/;

/** A check that could not look is a finding, too: a doctor who faints helps nobody. `what` it looks at, in words. */
export const reportCheckError =
  (what: string, check: DoctorCheck): DoctorCheck =>
  async (): Promise<DoctorFinding> => {
    try {
      return await check();
    } catch (fault) {
      const { name, message } = fault instanceof Error ? fault : new Error(String(fault));
      return deniedErrors.test(name)
        ? {
            status: "warning",
            sentence: `You may not look at ${what}: ${message}`,
            remedy: "Ask the platform team for the operators' role, or run the doctor as a member of it.",
          }
        : {
            status: "missing",
            sentence: `It cannot be seen how it is with ${what}: ${name}: ${message}`,
            remedy:
              "See that this machine reaches AWS and that region and profile are the tooling account's.",
          };
    }
  };
