import { describeDifference, describeLayer, type LayerMaker } from "../rebuild/describe-difference.ts";
import type { PathDifference } from "../rebuild/entry-differences.ts";
import type { ImageDifference } from "../rebuild/image-difference.ts";
import { BuildError } from "./build-error.ts";

/** An input that was looked up twice and was not the same. */
export interface ChangedInput {
  /** As a person would name it: `local directory context`. */
  readonly name: string;
  /** Digests or commits. */
  readonly first: string;
  readonly second: string;
}

/** What one output of two runs came to: an image of one platform, or the files of all. */
export interface DifferingOutput {
  /** `image for linux/amd64`. */
  readonly name: string;
  readonly difference: ImageDifference | { readonly files: readonly PathDifference[] };
  /** Who made the layers of an image. */
  readonly makers: readonly LayerMaker[];
  /** What most likely made the difference, and what can be done. */
  readonly causes: readonly string[];
}

/** A second build gave other bytes than the first. Nothing was published. */
export class NotReproducibleError extends Error {
  override readonly name = "NotReproducibleError";
  readonly code = "not-reproducible";
  readonly retryable = false;
  readonly inputs: readonly ChangedInput[];
  /** Never empty. */
  readonly outputs: readonly DifferingOutput[];

  constructor(inputs: readonly ChangedInput[], outputs: readonly DifferingOutput[]) {
    super(`not reproducible: a second build gave other bytes${inputs.length === 0 ? "" : ", of inputs that had changed meanwhile"} (${outputs.map(({ name }) => name).join(", ")})`);
    this.inputs = inputs;
    this.outputs = outputs;
  }
}

/** In the form that all failures of a build have: what differs is in the report. */
export function notReproducibleFailure(error: NotReproducibleError): BuildError {
  const { inputs, outputs, code, retryable, message } = error;
  const report = `------\n${[...inputs.map(describeInput), ...outputs.map(describeOutput)].join("")}------\n`;
  return new BuildError(message, { code, retryable, report, excerpt: undefined, exitCode: undefined }, { cause: error });
}

function describeInput({ name, first, second }: ChangedInput): string {
  return `${name}: ${first}, then ${second}\n`;
}

function describeOutput({ name, difference, makers, causes }: DifferingOutput): string {
  const text = "files" in difference ? describeLayer({ kind: "files", paths: difference.files }) : describeDifference(difference, makers);
  return `${name}, first build and second build:\n${text}${causes.map((cause) => `hint: ${cause}\n`).join("")}`;
}
