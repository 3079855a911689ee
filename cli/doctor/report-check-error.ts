import type { DoctorCheck, DoctorFinding } from "./finding.ts";

const deniedErrors = /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|Forbidden|403)$/;

/** The action that AWS names in its refusal: "… is not authorized to perform: lambda:GetAccountSettings on …". */
const readDeniedAction = (message: string): string | undefined =>
  message.match(/not authorized to perform: ([\w-]+:\w+)/)?.[1];

/**
 * Turns an error of a check into a finding, so that the other checks run.
 * @param what the checked thing, for the message
 * @param permission what the check needs, where AWS's refusal does not name it
 * @param remedy of a check that calls something else than AWS
 */
export const reportCheckError =
  (
    what: string,
    check: DoctorCheck,
    permission?: string,
    remedy = "Check that this machine reaches AWS, and that region and profile are the tooling account's.",
  ): DoctorCheck =>
  async (): Promise<DoctorFinding | undefined> => {
    try {
      return await check();
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      const action = readDeniedAction(message) ?? permission;
      return deniedErrors.test(name)
        ? {
            status: "warning",
            sentence: `You have no right to read ${what}${action === undefined ? "" : ` (${action})`}: ${message}`,
            remedy:
              action === undefined
                ? "Run the doctor with the operators' role; the platform team assigns it."
                : `Run the doctor with a profile that has the permission ${action}.`,
          }
        : {
            status: "missing",
            sentence: `The check of ${what} failed: ${name}: ${message}`,
            remedy,
          };
    }
  };
