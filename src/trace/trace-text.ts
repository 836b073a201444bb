import type { Revision } from "./build-record.ts";
import type { PathFinding } from "./find-path.ts";
import type { TraceAnswer, TracedLayer, TracedLines, TracedStep } from "./trace-answer.ts";

type Row = readonly [name: string, value: string];

const NAME_WIDTH = 10;
const BASIS: Readonly<Record<Revision["basis"], string>> = {
  verified: "verified: the files used equal that commit's",
  material: "fetched by the builder itself",
  claim: "as the client claimed",
};

/** An answer for people. What comes from the image is shown without control characters. */
export function traceText(answer: TraceAnswer): string {
  const { image, path, layers, steps, revision, missing } = answer;
  const rows: Row[] = [["image", `${image.name}@${image.digest} ${image.platform}`]];
  if (path !== undefined) rows.push(...pathRows(path));
  if (answer.question.kind === "line") rows.push(...lineRows(answer.question.line, steps, layers));
  else for (const layer of layers) rows.push(...layerRows(layer));
  if (revision !== undefined) rows.push(["revision", revisionText(revision)]);
  rows.push(...missing.map((text): Row => ["missing", text]));
  return rows.map(([name, value]) => `${name.padEnd(NAME_WIDTH)} ${shown(value)}\n`).join("");
}

function pathRows(path: PathFinding): Row[] {
  const links = path.followed.map(({ path: at, target }): Row => ["link", `/${at} leads to ${target}`]);
  switch (path.kind) {
    case "found": {
      const { kind, mode, sizeBytes, linkname } = path.entry;
      const detail = kind === "symlink" ? `symbolic link to ${linkname}` : kind === "hardlink" ? `hard link to /${linkname}` : kind;
      const size = kind === "file" ? `, ${sizeBytes} bytes` : "";
      return [...links, ["path", `/${path.path}: ${detail}${size}, mode ${mode.toString(8).padStart(4, "0")}`]];
    }
    case "hidden":
      return [...links, ["path", `/${path.path}: not in the image: the layer named here took it away by ${path.by}`]];
    case "absent":
      return [...links, ["path", `/${path.path}: no layer holds it`]];
  }
}

function layerRows({ number, count, descriptor, createdBy, origin }: TracedLayer): Row[] {
  const rows: Row[] = [["layer", `${number} of ${count}: ${descriptor.digest}, ${descriptor.size} bytes`]];
  switch (origin.kind) {
    case "unknown":
      rows.push(["missing", `step: ${origin.missing}`]);
      if (createdBy !== undefined) rows.push(["history", createdBy]);
      return rows;
    case "base":
      rows.push(["base", origin.base.reference]);
      rows.push(origin.base.purl === undefined ? ["missing", "the base is not among the record's dependencies"] : ["purl", origin.base.purl]);
      rows.push(...stepRows(origin.step));
      break;
    case "step":
      rows.push(...stepRows(origin.step));
      break;
  }
  if (origin.match.by === "position") rows.push(["match", `by place: the record has ${origin.match.recorded} there; the bytes were rewritten after the step`]);
  return rows;
}

function stepRows(step: TracedStep): Row[] {
  const inputs = step.inputs.filter(({ lines }) => lines.length > 0).map(({ id, lines }): Row => ["from", `${id}, ${placesOf(lines)}`]);
  const none: readonly Row[] = step.lines.length === 0 ? [["missing", `lines: the record has none for ${step.id}`]] : [];
  return [["step", `${step.id}: ${step.summary}`], ...step.lines.flatMap(linesRows), ...none, ...inputs];
}

function linesRows({ file, start, end, text }: TracedLines): Row[] {
  const rows: Row[] = [["lines", placesOf([{ file, start, end, text }])]];
  return [...rows, ...(text ?? []).map((line, index): Row => ["", `${String(start + index).padStart(5)}  ${line}`])];
}

function placesOf(lines: readonly TracedLines[]): string {
  return lines.map(({ file, start, end }) => `${file}:${start === end ? start : `${start}-${end}`}`).join(", ");
}

function lineRows(line: number, steps: readonly TracedStep[], layers: readonly TracedLayer[]): Row[] {
  if (steps.length === 0) return [["line", `${line}: no step of the record comes from it`]];
  return steps.flatMap((step) => {
    const made = layers.filter(({ origin }) => origin.kind !== "unknown" && origin.step.id === step.id);
    const results = made.map(({ number, count, descriptor }): Row => ["layer", `${number} of ${count}: ${descriptor.digest}, ${descriptor.size} bytes`]);
    return [...stepRows(step), ...(results.length > 0 ? results : [["layer", "none of this image"] as const])];
  });
}

function revisionText({ commit, source, basis, differing }: Revision): string {
  const different = differing === undefined ? "" : `; ${differing} files differ from it`;
  return `${commit}${source === undefined ? "" : ` of ${source}`}, ${BASIS[basis]}${different}`;
}

/** What a terminal would act on is shown as what it is. */
function shown(text: string): string {
  return text.replaceAll(/(?!\t)\p{Cc}/gu, (character) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`);
}
