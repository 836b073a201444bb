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
  const inputs = new Map([...request.inputs].map(([name, input]) => [name, minRequest(input)] as const));
  const kept = Object.entries(request.args).filter(([key]) => !PRIVATE_PREFIXES.some((prefix) => key.startsWith(prefix)));
  return {
    request: { ...request, args: Object.fromEntries(kept), inputs: new Map([...inputs].map(([name, input]) => [name, input.request])) },
    scrubbed: kept.length < Object.keys(request.args).length || inputs.values().some((input) => input.scrubbed),
  };
}
