import { createHash } from "node:crypto";

/** An id in the form of those that are drawn by lot (host/random.ts), which follows from these texts, in this order. */
export function derivedId(texts: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(texts)).digest("hex");
  return BigInt(`0x${hash}`).toString(36).padStart(25, "0").slice(-25);
}
