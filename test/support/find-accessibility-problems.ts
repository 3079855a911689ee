import axe from "axe-core";
import type { Page } from "playwright-core";
import { z } from "zod";

const Results = z.object({
  violations: z.array(
    z.object({
      id: z.string(),
      impact: z.string().nullish(),
      nodes: z.array(z.object({ target: z.array(z.unknown()), failureSummary: z.string().optional() })),
    }),
  ),
});

/** One line for each violation that axe-core finds on a page, of any impact. */
export const findAccessibilityProblems = async (page: Page): Promise<readonly string[]> => {
  // Evaluated by the debugger, which the page's Content-Security-Policy does not limit.
  await page.evaluate(axe.source);
  const { violations } = Results.parse(await page.evaluate("axe.run()"));
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) => `${impact} ${id} at ${target.join(" ")}: ${failureSummary ?? ""}`,
    ),
  );
};
