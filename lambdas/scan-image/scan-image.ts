import { ImageScanFailed } from "#domain/delivery/errors.ts";
import { parseBuiltImage } from "#domain/delivery/parse-built-image.ts";
import { loadRules } from "#domain/delivery/read-committed-model.ts";
import { checkScan } from "#domain/gates/check-scan.ts";
import { combineVerdicts } from "#domain/gates/verdict.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { Images } from "#platform/images/images.ts";
import type { Source } from "#platform/source/source.ts";
import type { ScanImageInput, ScanImageOutput } from "#statemachine/contracts.ts";

type ScanImageDependencies = {
  readonly images: Pick<Images, "scan">;
  readonly source: Source;
  readonly policy: Pick<PlatformPolicy, "read">;
  readonly ledger: Ledger;
  readonly clock: () => number;
};

/** A scan that is missing this long after the build fails: nothing is known about the image. */
const deadlineMs = 30 * 60_000;

/** Compares the scan's findings with the limits in force. Throws ImageScanFailed. */
export const scanImage =
  ({ images, source, policy, ledger, clock }: ScanImageDependencies) =>
  async ({ model, commit, build }: ScanImageInput): Promise<ScanImageOutput> => {
    const { digest, builtAt } = parseBuiltImage(build);
    const scan = await images.scan(digest);
    if (scan.status === "pending") {
      if (clock() - builtAt > deadlineMs)
        throw new ImageScanFailed(`no scan of ${digest} within 30 minutes of its build`);
      return { status: "pending" };
    }
    const champion = await ledger.serving("prod", model);
    const { rules } = await loadRules({ source, policy })(model, commit, champion?.commit);
    const { checks, omitted } = checkScan({ scan, limits: rules.gates.vulnerabilities });
    const verdict = combineVerdicts(checks);
    if (verdict === "fail")
      throw new ImageScanFailed(
        checks
          .filter((check) => check.verdict === "fail")
          .map(({ detail }) => detail)
          .join("; "),
      );
    return { status: "complete", verdict, checks: [...checks], omitted: [...omitted] };
  };
