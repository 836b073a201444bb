import { parseDigest, type Digest } from "../content/digest.ts";
import type { StateDatabase } from "./state-database.ts";

const KIND = "shared-hash";

/** Digests of files as other builders name them, by what they are of; kept, so that a file's content is read once for them. */
export function knownHashes(database: Pick<StateDatabase, "fact" | "saveFact">): { find(name: string): Digest | undefined; save(name: string, digest: Digest): void } {
  return {
    find(name) {
      const text = database.fact(KIND, name);
      return text === undefined ? undefined : parseDigest(text);
    },
    save: (name, digest) => database.saveFact(KIND, name, digest),
  };
}
