import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Environment } from "../host/environment.ts";
import type { Sigstore } from "../trust/sigstore.ts";
import { TrustError } from "../trust/trust-error.ts";

const VARIABLE = "STEMMA_SIGSTORE_TRUSTED_ROOT";

const HARDENED_VARIABLE = "STEMMA_DHI_PUBLIC_KEY";

/** Docker's key for its hardened images: whose that is, is the user's word too. Throws TrustError("no-trust-root"). */
export async function openHardenedKey(env: Environment): Promise<KeyObject> {
  const path = env[HARDENED_VARIABLE] ?? "";
  if (path === "") throw new TrustError("no-trust-root", `there is nobody to believe about Docker's hardened images: ${HARDENED_VARIABLE} has to name a file with the key that they are signed with`);
  try {
    return createPublicKey(await readFile(path));
  } catch (error) {
    throw new TrustError("no-trust-root", `${HARDENED_VARIABLE}: ${path} is no public key in PEM: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Whom to believe is the user's word: there are none by default. Throws TrustError("no-trust-root"). What verifies is loaded by who needs it only. */
export async function openSigstore(env: Environment): Promise<Sigstore> {
  const path = env[VARIABLE] ?? "";
  if (path === "") throw new TrustError("no-trust-root", `there is nobody to believe: ${VARIABLE} has to name a file with Sigstore's trusted_root.json`);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new TrustError("no-trust-root", `${VARIABLE}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
  const { Sigstore } = await import("../trust/sigstore.ts");
  try {
    return new Sigstore(bytes);
  } catch (error) {
    if (error instanceof TrustError) throw new TrustError(error.code, `${VARIABLE}: ${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
