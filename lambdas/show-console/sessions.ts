import * as z from "zod";
import type { Membership } from "./check-membership.ts";
import type { SealedCookie } from "./sealed-cookie.ts";

/** What a session's cookie says; times in epoch milliseconds. */
export const Session = z.strictObject({
  user: z.string(),
  name: z.string(),
  signedInAt: z.number(),
  /** When Slack last said that the user may read the console. */
  checkedAt: z.number(),
});
export type Session = z.infer<typeof Session>;

const hourMs = 3_600_000;
/** After this time a person signs in again, whatever happened in between. */
const longestSessionMs = 8 * hourMs;
const checkEveryMs = hourMs;

export type SessionState =
  | { readonly status: "none" }
  /** `text`: the cookie's new text, after a check. */
  | { readonly status: "open"; readonly session: Session; readonly text?: string }
  | { readonly status: "closed"; readonly membership: Exclude<Membership, { status: "member" }> };

type OpenedSession =
  | { readonly status: "open"; readonly session: Session; readonly text: string }
  | Extract<SessionState, { status: "closed" }>;

type Needs = {
  readonly cookie: SealedCookie<Session>;
  readonly checkMembership: (user: string) => Promise<Membership>;
  readonly clock: () => number;
};

/**
 * Sessions of people who signed in. All of a session is in its cookie, because the console stores nothing: a new session
 * key ends all sessions, and a user who may not read any more is refused within an hour.
 */
export const createSessions = ({ cookie, checkMembership, clock }: Needs) => {
  const seal = (session: Session) => cookie.seal(session, session.signedInAt + longestSessionMs);
  return {
    /** Begins a session, if Slack says that the user may read the console. */
    open: async (user: string): Promise<OpenedSession> => {
      const membership = await checkMembership(user);
      if (membership.status !== "member") return { status: "closed", membership };
      const now = clock();
      const session = { user, name: membership.name, signedInAt: now, checkedAt: now };
      return { status: "open", session, text: await seal(session) };
    },

    /** The session of a cookie's text; asks Slack again if the last answer is an hour old. */
    read: async (text: string | undefined): Promise<SessionState> => {
      const now = clock();
      const session = await cookie.open(text, now);
      if (session === undefined) return { status: "none" };
      const age = now - session.signedInAt;
      // The cookie has its own end; this holds the limit also if someone lengthens the other.
      if (age < 0 || age >= longestSessionMs) return { status: "none" };
      const sinceCheck = now - session.checkedAt;
      if (sinceCheck >= 0 && sinceCheck < checkEveryMs) return { status: "open", session };
      const membership = await checkMembership(session.user);
      if (membership.status !== "member") return { status: "closed", membership };
      const checked = { ...session, name: membership.name, checkedAt: now };
      return { status: "open", session: checked, text: await seal(checked) };
    },

    /** How many seconds a browser keeps a session's cookie. */
    secondsLeft: ({ signedInAt }: Session): number =>
      Math.max(0, Math.floor((signedInAt + longestSessionMs - clock()) / 1_000)),
  };
};
export type Sessions = ReturnType<typeof createSessions>;
