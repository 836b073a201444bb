import type { RequestRecord } from "./request.ts";

/** What the client chose for itself: `mode=min` tells neither the values nor the names (anchor b.4). */
const PRIVATE_PREFIXES = ["build-arg:", "label:"] as const;

export interface MinRequest {
  readonly request: RequestRecord;
  /** Something was left out, so that the request cannot be repeated from the record. */
  readonly scrubbed: boolean;
}

/** Secrets and ssh agents are left out as well, by the caller; BuildKit does not count those as incomplete. */
export function minRequest(request: RequestRecord): MinRequest {
  const kept = Object.entries(request.args).filter(([key]) => !PRIVATE_PREFIXES.some((prefix) => key.startsWith(prefix)));
  return { request: { ...request, args: Object.fromEntries(kept) }, scrubbed: kept.length < Object.keys(request.args).length };
}
