import { ExportError } from "./error.ts";
import type { AttestStore } from "./evidence.ts";

/** Consumers that take only some shapes of images (`--compat`). */
export type Compat = "lambda" | "cloud-run" | "docker-v2";

const COMPATS: readonly Compat[] = ["lambda", "cloud-run", "docker-v2"];

/** Throws ExportError ("usage"). */
export function parseCompat(text: string): Compat {
  const compat = COMPATS.find((each) => each === text);
  if (compat === undefined) throw new ExportError("usage", `--compat=${text}: use ${COMPATS.join(", ")}`);
  return compat;
}

/** `index`, `referrers`, `both`, `none`, or `file:` and a directory. Throws ExportError ("usage"). */
export function parseAttestStore(text: string, path: (text: string) => string): AttestStore {
  if (text === "index" || text === "none") return { kind: text };
  if (text === "referrers" || text === "both") return { kind: text, otherwise: "index" };
  const directory = /^file:(.+)$/s.exec(text)?.[1];
  if (directory === undefined) throw new ExportError("usage", `--attest-store=${text}: use index, referrers, both, file:DIRECTORY or none`);
  return { kind: "file", directory: path(directory) };
}

/** What a request says that decides the shape of images. */
export interface ShapeWishes {
  readonly compat: Compat | undefined;
  /** As `--attest-store` has it. */
  readonly attestStore: string | undefined;
  /** As written. */
  readonly platforms: readonly string[];
  /** BUILDKIT_MULTI_PLATFORM: an index around one platform too. */
  readonly indexAlways: boolean;
}

/**
 * Where evidence goes. For a consumer that cannot have an index it goes into referrers, and where a registry takes none,
 * nowhere: what the consumer needs counts more, unless referrers were asked for by name.
 * Throws ExportError ("usage") for what cannot be both.
 */
export function planStore({ compat, attestStore, platforms, indexAlways }: ShapeWishes, path: (text: string) => string): AttestStore {
  const store = attestStore === undefined ? undefined : parseAttestStore(attestStore, path);
  if (compat === undefined) return store ?? { kind: "index" };
  const conflict = (flag: string, why: string): ExportError => new ExportError("usage", `--compat=${compat} conflicts with ${flag}: ${why}`);
  if (store?.kind === "index" || store?.kind === "both") {
    const why = compat === "docker-v2" ? "a manifest list has no place for attestations" : "the tag has to point at a single manifest, not at an index";
    throw conflict(`--attest-store=${store.kind}`, `${why}; use referrers, file:DIRECTORY or none`);
  }
  if (compat !== "docker-v2" && platforms.length > 1) throw conflict(`--platform=${platforms.join(",")}`, "the tag has to point at a single manifest; build each platform under a tag of its own");
  if (compat !== "docker-v2" && indexAlways) throw conflict("BUILDKIT_MULTI_PLATFORM", "the tag has to point at a single manifest, not at an index");
  if (store === undefined) return { kind: "referrers", otherwise: "none" };
  return store.kind === "referrers" ? { kind: "referrers", otherwise: "fail" } : store;
}
