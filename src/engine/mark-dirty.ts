import { goJson } from "../content/go-json.ts";
import { REVISION_LABEL } from "../git/git-options.ts";
import type { Compiled } from "./compiled.ts";

const DIRTY = "-dirty";

/**
 * Says `-dirty` wherever git's commit stands as the revision of the build: in the request, and in the label that the
 * frontend made of it. Only now is it known which files were used, and labels change no graph. A label of the user stays.
 */
export function markDirty<Build extends Compiled>(compiled: Build, commit: string, userLabels: ReadonlyMap<string, string>): Build {
  const isGits = !userLabels.has(REVISION_LABEL);
  const keys = ["vcs:revision", ...(isGits ? [`label:${REVISION_LABEL}`] : [])];
  const marked = (attributes: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
    new Map(Array.from(attributes, ([key, value]) => [key, keys.includes(key) && value === commit ? value + DIRTY : value]));
  const isLabelled = isGits && compiled.rootAttributes.get(`label:${REVISION_LABEL}`) === commit;
  return {
    ...compiled,
    attributes: marked(compiled.attributes),
    rootAttributes: marked(compiled.rootAttributes),
    platforms: isLabelled ? compiled.platforms.map((platform) => ({ ...platform, config: markedConfig(platform.config, commit) })) : compiled.platforms,
  };
}

function markedConfig(bytes: Uint8Array, commit: string): Uint8Array {
  // The frontend's own; all that is not looked at passes through.
  const config = JSON.parse(Buffer.from(bytes).toString("utf8")) as { readonly config?: { readonly Labels?: Readonly<Record<string, string>> } };
  if (config.config?.Labels?.[REVISION_LABEL] !== commit) return bytes;
  const Labels = { ...config.config.Labels, [REVISION_LABEL]: commit + DIRTY };
  return Buffer.from(goJson({ ...config, config: { ...config.config, Labels } }));
}
