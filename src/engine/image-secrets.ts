import type { HistoryOrigin } from "../frontend/dockerfile/convert/docker-image.ts";
import { lineRanges, type Range } from "../frontend/dockerfile/source-range.ts";
import type { LlbGraph } from "../llb/graph.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { Scrubber, type Redaction } from "../scrub/scrubber.ts";
import type { KnownSecrets } from "../scrub/known-secrets.ts";

/** A secret that the image itself holds, and needs: nothing rewrites it. */
export interface ImageSecret extends Redaction {
  /** Empty where no line of this Dockerfile brought it. */
  readonly location: readonly Range[];
}

export interface ImageParts {
  readonly config: Uint8Array;
  readonly origins: ReadonlyArray<HistoryOrigin | undefined>;
  readonly graph: LlbGraph;
  /** Its text; empty where it is not known. */
  readonly dockerfile: string;
  /** Of the image's manifest and index, with their keys. */
  readonly annotations: ReadonlyArray<readonly [key: string, value: string]>;
}

/** Secrets in the configuration, in the files that the Dockerfile itself holds, and in annotations. Places are `ENV NAME`, `LABEL NAME`, `CMD`, `COPY PATH` … */
export function imageSecrets(parts: ImageParts, known: KnownSecrets): readonly ImageSecret[] {
  return [...configSecrets(parts, known), ...fileSecrets(parts.graph, known), ...annotationSecrets(parts.annotations, known)];
}

function configSecrets({ config, origins, dockerfile }: ImageParts, known: KnownSecrets): readonly ImageSecret[] {
  const scrubber = new Scrubber(known);
  // Made by a frontend, and looked at by whoever exports it.
  const { config: runtime = {}, author } = JSON.parse(Buffer.from(config).toString("utf8")) as ImageConfig;
  for (const variable of runtime.Env ?? []) scrubber.assignment(variable, `ENV ${variable.split("=", 1)[0]}`);
  for (const [name, value] of Object.entries(runtime.Labels ?? {})) scrubber.variable(name, value, `LABEL ${name}`);
  const { Test: test } = (runtime.Healthcheck ?? {}) as { readonly Test?: readonly string[] };
  const lists = { CMD: runtime.Cmd, ENTRYPOINT: runtime.Entrypoint, SHELL: runtime.Shell, HEALTHCHECK: test, VOLUME: Object.keys(runtime.Volumes ?? {}), EXPOSE: Object.keys(runtime.ExposedPorts ?? {}) };
  for (const [place, words] of Object.entries(lists)) scrubber.list(words ?? [], place);
  for (const trigger of runtime.OnBuild ?? []) scrubber.dockerfile(trigger, "ONBUILD");
  const texts = { USER: runtime.User, WORKDIR: runtime.WorkingDir, STOPSIGNAL: runtime.StopSignal, MAINTAINER: author };
  for (const [place, text] of Object.entries(texts)) scrubber.text(text ?? "", place);
  return scrubber.redactions.map((redaction) => {
    const place = redaction.place.replace(/^ONBUILD:\d+$/, "ONBUILD");
    return { ...redaction, place, location: place === "ONBUILD" ? triggerLines(dockerfile, known) : placeOf(place, origins) };
  });
}

/** A trigger leaves nothing in the history. */
function triggerLines(dockerfile: string, known: KnownSecrets): readonly Range[] {
  return dockerfile.split("\n").flatMap((line, i) => {
    const scrubber = new Scrubber(known);
    if (!/^[ \t]*ONBUILD[ \t]/i.test(line) || scrubber.dockerfile(line, "") === line) return [];
    return lineRanges(i + 1, i + 1);
  });
}

/** The last instruction of that kind is the one that counts; of variables, the last one that sets it. */
function placeOf(place: string, origins: ImageParts["origins"]): readonly Range[] {
  const [keyword = "", name] = place.split(" ");
  const isIt = (origin: HistoryOrigin | undefined): boolean =>
    origin !== undefined && origin.withoutArgs.startsWith(`${keyword} `) && (name === undefined || origin.parts.some((part) => typeof part !== "string" && part.name === name));
  return origins.findLast(isIt)?.location ?? [];
}

/** Here-documents of COPY and ADD. */
function fileSecrets({ vertices }: LlbGraph, known: KnownSecrets): readonly ImageSecret[] {
  const all = [...vertices.values()];
  return all.flatMap(({ op, digest, locations }) => {
    if (op.op.case !== "file") return [];
    const scrubber = new Scrubber(known);
    for (const { action } of op.op.value.actions) if (action.case === "mkfile") scrubber.text(Buffer.from(action.value.data).toString("utf8"), `COPY <<${action.value.path.replace(/^\//, "")}`);
    if (scrubber.redactions.length === 0) return [];
    // The file is made by a step without lines, and copied by one that has them.
    const users = locations.length > 0 ? [] : all.filter(({ inputs }) => inputs.some((input) => input.digest === digest));
    const lines = [...locations, ...users.flatMap((user) => user.locations)].flatMap(({ ranges }) => ranges).flatMap(({ start, end }) => (start === undefined || end === undefined ? [] : [{ start, end }]));
    return scrubber.redactions.map((redaction) => ({ ...redaction, location: lines }));
  });
}

function annotationSecrets(annotations: ImageParts["annotations"], known: KnownSecrets): readonly ImageSecret[] {
  const scrubber = new Scrubber(known);
  for (const [key, value] of annotations) scrubber.variable(key, value, `annotation ${key}`);
  return scrubber.redactions.map((redaction) => ({ ...redaction, location: [] }));
}
