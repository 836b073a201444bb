import type { HttpResponse } from "../host/http-client.ts";
import { protocolError } from "./refusal.ts";
import { resolveLocation } from "./registry-server.ts";

/** Pages of one list. More referrers or tags than these hold are an attack or a mistake. */
export const PAGES_MAX = 50;

/** RFC 8288, Link with rel="next". */
export function nextPage(response: HttpResponse): URL | undefined {
  const [, location] = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(response.header("link") ?? "") ?? [];
  return location === undefined ? undefined : resolveLocation(location, response.url);
}

export function parseObject(bytes: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw protocolError({ what }, "no JSON object");
}
