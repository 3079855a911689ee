import * as z from "zod";

/** How a person's answer or order came; absent in records of earlier releases. */
export const AnswerOrigin = z.object({
  /** `console`: a form of a page on this machine. */
  via: z.enum(["slack", "command", "console"]).optional(),
  /** Of the command line: who AWS says calls, or the account on this machine. */
  account: z.string().optional(),
});
export type AnswerOrigin = z.infer<typeof AnswerOrigin>;

/** The origin alone, without fields that are unknown. */
export const pickOrigin = ({ via, account }: AnswerOrigin): AnswerOrigin => ({
  ...(via !== undefined && { via }),
  ...(account !== undefined && { account }),
});
