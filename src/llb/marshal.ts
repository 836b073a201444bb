import { digestOf, type Digest } from "../content/digest.ts";
import { definitionMessage, type Definition } from "./definition.ts";
import { encodeMessage } from "./encode.ts";
import { LlbError } from "./llb-error.ts";
import { message, OpMetadataSchema, OpSchema, SourceSchema, type OpMetadata, type Source } from "./op.ts";
import type { ComposeContext, InputReference, MarshalDefaults, Output, SourceFile, SourceLocation, SourceRange, StepDetails, Vertex } from "./vertex.ts";

/** The definition of what leads to `output`. Throws LlbError where a vertex cannot be composed. */
export function marshalOutput(output: Output | undefined, defaults: MarshalDefaults): Definition {
  const vertex = output?.vertex();
  if (output === undefined || vertex === undefined) return { def: [], metadata: new Map(), source: undefined };
  const marshaller = new Marshaller(defaults);
  marshaller.visit(vertex);
  return marshaller.finish(output);
}

/** One walk over a graph, inputs first. Vertices with equal bytes are one; what is said of them is joined. */
class Marshaller {
  readonly #context: ComposeContext;
  readonly #done = new Map<Vertex, Digest>();
  readonly #def = new Map<Digest, Uint8Array>();
  readonly #metadata = new Map<Digest, OpMetadata>();
  readonly #locations = new Map<Digest, SourceLocation[]>();
  readonly #files: SourceFile[] = [];

  constructor(defaults: MarshalDefaults) {
    this.#context = { ...defaults, input: (output) => this.#input(output) };
  }

  /** Not recursive: a graph is as deep as a Dockerfile is long. */
  visit(start: Vertex): void {
    const stack = [{ vertex: start, pending: this.#inputVertices(start) }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.pending.shift();
      if (next === undefined) {
        stack.pop();
        this.#compose(top.vertex);
      } else if (!this.#done.has(next)) stack.push({ vertex: next, pending: this.#inputVertices(next) });
    }
  }

  finish(output: Output): Definition {
    const head = encodeMessage(OpSchema, message(OpSchema, { inputs: [this.#input(output)] }));
    const capabilities: Record<string, boolean> = { constraints: true, platform: true };
    for (const { ignoreCache, description, exportCache } of this.#metadata.values()) {
      if (ignoreCache) capabilities["meta.ignorecache"] = true;
      if (Object.keys(description).length > 0) capabilities["meta.description"] = true;
      if (exportCache !== undefined) capabilities["meta.exportcache"] = true;
    }
    this.#metadata.set(digestOf(head), message(OpMetadataSchema, { caps: capabilities }));
    return { def: [...this.#def.values(), head], metadata: this.#metadata, source: this.#source() };
  }

  #inputVertices(vertex: Vertex): Vertex[] {
    return vertex.inputs().flatMap((output) => output.vertex() ?? []);
  }

  #input(output: Output): InputReference {
    const vertex = output.vertex();
    const known = vertex === undefined ? undefined : this.#done.get(vertex);
    if (known === undefined) throw new LlbError("missing-input", "an input was not marshalled before its user");
    return { digest: known, index: BigInt(output.index()) };
  }

  #compose(vertex: Vertex): void {
    if (this.#done.has(vertex)) return;
    const { op, details, capabilities } = vertex.compose(this.#context);
    const bytes = op instanceof Uint8Array ? op : encodeMessage(OpSchema, message(OpSchema, op));
    const digest = digestOf(bytes);
    this.#done.set(vertex, digest);
    if (!this.#def.has(digest)) this.#def.set(digest, bytes);
    this.#metadata.set(digest, joinMetadata(this.#metadata.get(digest), details, capabilities));
    const locations = this.#locations.get(digest) ?? [];
    locations.push(...(details.locations ?? []));
    this.#locations.set(digest, locations);
  }

  #source(): Source {
    const locations = [...this.#locations].map(([digest, places]) => [digest, { locations: places.map((place) => this.#location(place)) }] as const);
    const infos = this.#files.map(({ filename, language, data, definition }) => ({
      filename, language, data: Uint8Array.from(data), ...(definition === undefined ? {} : { definition: definitionMessage(definition) }),
    }));
    return message(SourceSchema, { locations: Object.fromEntries(locations), infos });
  }

  #location({ file, ranges }: SourceLocation): { readonly sourceIndex: number; readonly ranges: SourceRange[] } {
    const known = this.#files.indexOf(file);
    const sourceIndex = known === -1 ? this.#files.push(file) - 1 : known;
    return { sourceIndex, ranges: [...ranges] };
  }
}

function joinMetadata(earlier: OpMetadata | undefined, details: StepDetails, capabilities: readonly string[]): OpMetadata {
  const joined = earlier ?? message(OpMetadataSchema);
  Object.assign(joined.description, details.description);
  if (details.ignoreCache === true) joined.ignoreCache = true;
  for (const capability of capabilities) joined.caps[capability] = true;
  const { progressGroup, linuxResources } = message(OpMetadataSchema, {
    ...(details.progressGroup === undefined ? {} : { progressGroup: details.progressGroup }),
    ...(details.linuxResources === undefined ? {} : { linuxResources: details.linuxResources }),
  });
  if (progressGroup !== undefined) joined.progressGroup = progressGroup;
  if (linuxResources !== undefined) joined.linuxResources = linuxResources;
  return joined;
}
