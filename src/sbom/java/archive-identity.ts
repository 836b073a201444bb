import type { FoundPackage } from "../found-package.ts";

/** Coordinates of Maven, as an archive has them of itself or of what was copied into it. */
export interface Coordinates {
  readonly group: string;
  readonly artifact: string;
  readonly version: string | undefined;
}

export type Identity = Pick<FoundPackage, "type" | "namespace" | "name" | "version" | "qualifiers">;

/** What an archive says: of itself, and of others. */
export interface ArchiveIdentity {
  readonly self: Identity;
  readonly others: readonly Identity[];
}

/** Of the version in a file name. */
const VERSION_START = /-(?=\d)/;
const NAME = /^[A-Za-z0-9_][\w.-]*$/;

/** `base`: the file name without its extension. `extension`: `jar`, `war`, …. `manifest`: main attributes by name in lower case. */
export interface ArchiveEvidence {
  readonly base: string;
  readonly extension: string;
  readonly poms: readonly Coordinates[];
  readonly manifest: ReadonlyMap<string, string>;
}

/**
 * Maven's coordinates count where an archive has them. Of several, the archive is the one that its name begins with; the only one
 * is the archive where its name does not say otherwise. The others were copied into it. Without coordinates of its own, the
 * manifest and the file name tell what they tell. No attribute of a manifest is the group (Implementation-Vendor-Id is another in one
 * archive of four), and without a group there is no package-url of Maven, which requires it.
 */
export function identify(evidence: ArchiveEvidence): ArchiveIdentity {
  const { base, extension, poms } = evidence;
  const named = poms.filter(({ artifact }) => base === artifact || base.startsWith(`${artifact}-`)).toSorted((a, b) => b.artifact.length - a.artifact.length);
  const main = named[0] ?? (poms.length === 1 && !VERSION_START.test(base) ? poms[0] : undefined);
  const others = poms.filter((one) => one !== main).map((one) => identityOf(one, {}));
  return { self: main === undefined ? identityOfManifest(evidence) : identityOf(main, qualifiersOf(main, base, extension)), others };
}

function identityOf({ group, artifact, version }: Coordinates, qualifiers: Readonly<Record<string, string>>): Identity {
  return { type: "maven", namespace: group, name: artifact, version, qualifiers };
}

/** A jar is what is meant where nothing is said (purl-spec, type maven). */
function qualifiersOf({ artifact, version }: Coordinates, base: string, extension: string): Readonly<Record<string, string>> {
  const prefix = `${artifact}-${version}-`;
  return {
    ...(base.startsWith(prefix) && base.length > prefix.length ? { classifier: base.slice(prefix.length) } : {}),
    ...(extension === "jar" ? {} : { type: extension }),
  };
}

function identityOfManifest({ base, manifest }: ArchiveEvidence): Identity {
  const told = [manifest.get("implementation-version"), manifest.get("bundle-version")].map((text) => text?.trim()).find((text) => text !== undefined && /^[\w.+-]+$/.test(text));
  const named = splitFileName(base, told);
  // A file is named by who publishes it; a manifest may have been left from another version, or may have more than a version.
  const version = told !== undefined && named.version?.startsWith(`${told}-`) === true ? told : (named.version ?? told);
  const symbolic = identifier(manifest.get("bundle-symbolicname")?.split(";")[0]);
  const title = identifier(manifest.get("implementation-title"));
  return { type: "generic", namespace: undefined, name: symbolic ?? title ?? named.name, version, qualifiers: {} };
}

/** A title may be any words: one that could be a name is taken for one. */
function identifier(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed !== undefined && NAME.test(trimmed) ? trimmed : undefined;
}

/** `name-version`, as Maven and others name files; where the version is known, it is not looked for. */
function splitFileName(base: string, version: string | undefined): { readonly name: string; readonly version: string | undefined } {
  if (version !== undefined && base.endsWith(`-${version}`)) return { name: base.slice(0, -version.length - 1), version };
  const at = VERSION_START.exec(base)?.index;
  return at === undefined || at === 0 ? { name: base, version: undefined } : { name: base.slice(0, at), version: base.slice(at + 1) };
}
