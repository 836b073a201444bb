import { parseArgs } from "node:util";
import { traceImage, traceText, type TraceAnswer, type TraceQuestion } from "../doors/trace.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { UsageError } from "./usage-error.ts";
import { withImage } from "./with-image.ts";

export const command: Command = {
  name: "trace",
  summary: "tell which step, line and commit a file or layer comes from",
  usage: `Usage: stemma trace [--path FILE | --layer DIGEST | --line N [--file NAME]] [--platform P] [--format text|json] NAME

Walks from an image back to its sources by what its provenance records: layer, build step, Dockerfile lines, commit.
Nothing is guessed: what the record lacks is named. NAME is a reference, or oci-layout://path[:tag][@digest].

      --path FILE      a file in the image: the topmost layer that holds it, and where that comes from
      --layer DIGEST   a layer, by its digest or diff id, or the first digits of one
      --line N         a line of the Dockerfile: the steps and layers that come from it
      --file NAME      another file than the Dockerfile, if the record has several
      --platform P     which image of several: linux/arm64
      --format FORMAT  text (default) or json

Without a path, a layer or a line it tells where each layer comes from. The status is 0 if everything asked for could
be told, 1 if something is missing. docs/trace.md tells more.`,
  async run(args, io) {
    const { name, question, platform, format } = parse(args);
    return await withImage(name, io, async (image) => {
      const answer = await traceImage(image, question, platform, io.signal);
      io.stdout(format === "json" ? `${JSON.stringify(answer, undefined, 2)}\n` : traceText(answer));
      return isWhole(answer) ? EXIT.ok : EXIT.other;
    });
  },
};

/** Whether the way from the question to the lines is without a gap. */
function isWhole({ question, path, layers, steps }: TraceAnswer): boolean {
  if (question.kind === "line") return steps.length > 0;
  if (path !== undefined && path.kind !== "found") return false;
  return layers.every(({ origin }) => origin.kind !== "unknown");
}

interface Flags {
  readonly name: string;
  readonly question: TraceQuestion;
  readonly platform: string | undefined;
  readonly format: "text" | "json";
}

const OPTIONS = {
  path: { type: "string" },
  layer: { type: "string" },
  line: { type: "string" },
  file: { type: "string" },
  platform: { type: "string" },
  format: { type: "string", default: "text" },
} as const;

function parse(args: readonly string[]): Flags {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0) throw new UsageError(`takes one image, not ${positionals.length}`);
    const { format, platform } = values;
    if (format !== "text" && format !== "json") throw new UsageError(`--format ${JSON.stringify(format)}: text or json`);
    return { name, question: questionOf(values), platform, format };
  } catch (error) {
    throw new UsageError(`trace: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function questionOf({ path, layer, line, file }: { readonly [Name in "path" | "layer" | "line" | "file"]?: string }): TraceQuestion {
  if ([path, layer, line].filter((value) => value !== undefined).length > 1) throw new UsageError("--path, --layer and --line exclude each other");
  if (file !== undefined && line === undefined) throw new UsageError("--file goes with --line");
  if (path !== undefined) return { kind: "path", path };
  if (layer !== undefined) return { kind: "layer", digest: layer };
  if (line === undefined) return { kind: "layers" };
  if (!/^[1-9]\d{0,8}$/.test(line)) throw new UsageError(`--line ${JSON.stringify(line)}: a number from 1`);
  return { kind: "line", line: Number(line), file };
}
