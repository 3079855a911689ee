import type { Answer } from "#inference/native/answer.ts";
import { type HttpReply, withHeaders } from "./http-reply.ts";

/** The answer of whichever protocol, with what all of them say in headers: its id, and a record that was lost. */
export const withAnswerHeaders = (reply: HttpReply, { id, storageWarning }: Answer): HttpReply =>
  withHeaders(reply, {
    "x-prediction-id": id,
    ...(storageWarning ? { "x-storage-warning": storageWarning } : {}),
  });
