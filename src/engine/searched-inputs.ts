import { posix } from "node:path";
import type { Digest } from "../content/digest.ts";
import { shownUrl } from "../host/http-error.ts";
import type { LlbGraph, LlbVertex } from "../llb/graph.ts";
import type { FileActionCopy } from "../llb/op.ts";
import type { Pin, Pins } from "./pins.ts";
import { UPLOAD_URL } from "./stream-context.ts";

/** A vertex whose files are looked into where they come into the image: a repository, a web file, an archive that is unpacked. */
export interface SearchedInput {
  readonly vertex: LlbVertex;
  /** What it is made from, by what that turned out to be; undefined where something of it is not known. */
  readonly madeFrom: readonly string[] | undefined;
  /** How a file of it is told, by its path in the vertex's layer. */
  readonly shown: (path: string) => string;
  /** It may hold files of the client's directories, which were looked into when they were read. */
  readonly mayBeLocal: boolean;
}

/** Directories of the client are not among them, and neither are images: what these hold is for those to judge who publish them. */
export function searchedInputs({ vertices }: LlbGraph, pins: Pins): readonly SearchedInput[] {
  return [...vertices.values()].flatMap((vertex): readonly SearchedInput[] => {
    const shown = vertex.op.op.case === "source" ? ofSource(pins.get(vertex.digest)) : ofUnpacked(vertex, pins);
    if (shown === undefined) return [];
    return [{ vertex, shown, madeFrom: pinnedBelow(vertex, vertices, pins), mayBeLocal: vertex.op.op.case !== "source" }];
  });
}

function ofSource(pin: Pin | undefined): SearchedInput["shown"] | undefined {
  switch (pin?.kind) {
    case "git":
      // As BuildKit writes a part of a repository.
      return (path) => `${pin.request.remote}#${pin.request.ref}:${posix.join(pin.request.subdir, path)}`;
    case "http":
      return () => (pin.url === UPLOAD_URL ? "" : shownUrl(new URL(pin.url)));
    case "local":
    case "image":
    case undefined:
      return undefined;
  }
}

function ofUnpacked({ op: { op }, inputs }: LlbVertex, pins: Pins): SearchedInput["shown"] | undefined {
  if (op.case !== "file") return undefined;
  const unpacks = op.value.actions.flatMap(({ action, secondaryInput }) => {
    const source = inputs[Number(secondaryInput)];
    const pin = source && pins.get(source.digest);
    return action.case === "copy" && action.value.attemptUnpackDockerCompatibility && pin !== undefined && pin.kind !== "image" ? [{ copy: action.value, pin }] : [];
  });
  const [first] = unpacks;
  if (first === undefined) return undefined;
  return (path) => {
    const { copy, pin } = unpacks.find((unpack) => isBelow(path, unpack.copy)) ?? first;
    const archive = archiveOf(copy, pin);
    return `${archive}${archive === "" ? "" : ":"}${isBelow(path, copy) ? posix.relative(copy.dest, `/${path}`) : path}`;
  };
}

function isBelow(path: string, { dest }: FileActionCopy): boolean {
  return `/${path}`.startsWith(dest.endsWith("/") ? dest : `${dest}/`);
}

/** Empty for the context itself. */
function archiveOf({ src }: FileActionCopy, pin: Exclude<Pin, { kind: "image" }>): string {
  const path = src.replace(/^\/+/, "");
  if (pin.kind === "local") return pin.name === "context" ? path : `${pin.name}:${path}`;
  return ofSource(pin)?.(path) ?? path;
}

function pinnedBelow(vertex: LlbVertex, vertices: LlbGraph["vertices"], pins: Pins): readonly string[] | undefined {
  const seen = new Set<Digest>([vertex.digest]);
  const found: Array<string | undefined> = [];
  for (const digest of seen) {
    const one = vertices.get(digest);
    if (one?.op.op.case === "source") found.push(pinOf(pins.get(digest)));
    for (const input of one?.inputs ?? []) seen.add(input.digest);
  }
  return found.includes(undefined) ? undefined : found.flatMap((pin) => pin ?? []).toSorted();
}

function pinOf(pin: Pin | undefined): string | undefined {
  switch (pin?.kind) {
    case "git":
      return pin.commit;
    case "http":
    case "image":
      return pin.digest;
    case "local":
      return pin.root;
    case undefined:
      return undefined;
  }
}
