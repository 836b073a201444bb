import { goJson } from "../content/go-json.ts";
import { REVISION_LABEL } from "../git/git-options.ts";
import type { Compiled } from "./compiled.ts";
import type { AskedRequest } from "./request-trail.ts";

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
    rootAttributes: marked(compiled.rootAttributes),
    platforms: compiled.platforms.map((platform) => ({ ...platform, asked: markedRequest(platform.asked, marked), config: isLabelled ? markedConfig(platform.config, commit) : platform.config })),
  };
}

/** A frontend hands on what it was asked to those that it asks. */
function markedRequest({ frontend, options, inputs }: AskedRequest, marked: (options: AskedRequest["options"]) => AskedRequest["options"]): AskedRequest {
  return { frontend, options: marked(options), inputs: new Map([...inputs].map(([name, input]) => [name, markedRequest(input, marked)])) };
}

function markedConfig(bytes: Uint8Array, commit: string): Uint8Array {
  // The frontend's own; all that is not looked at passes through.
  const config = JSON.parse(Buffer.from(bytes).toString("utf8")) as { readonly config?: { readonly Labels?: Readonly<Record<string, string>> } };
  if (config.config?.Labels?.[REVISION_LABEL] !== commit) return bytes;
  const Labels = { ...config.config.Labels, [REVISION_LABEL]: commit + DIRTY };
  return Buffer.from(goJson({ ...config, config: { ...config.config, Labels } }));
}
