import { randomBytes } from "node:crypto";

/** Twenty-five characters of base 36, the form that BuildKit gives its identities. */
export function randomId(): string {
  return BigInt(`0x${randomBytes(17).toString("hex")}`).toString(36).padStart(25, "0").slice(-25);
}
