import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { createImage, previewImage, type CreateOptions, type CreateRequest } from "../doors/evidence.ts";
import { systemClock } from "../host/clock.ts";
import { hostPlatform } from "../host/host-platform.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command, CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { progressKind, withProgress } from "./progress-flag.ts";
import { requirePlace, writeResultFile } from "./result-file.ts";
import { UsageError } from "./usage-error.ts";
import { withRegistry } from "./with-image.ts";

const NAME = "imagetools create";

export const command: Command = {
  name: NAME,
  summary: "make an image of others, with what is recorded of them",
  usage: `Usage: stemma imagetools create [flags] [SOURCE...]

Makes an index of images that are there, of one or of several repositories, and copies what it needs; with each image goes
its evidence, which must be about it. SOURCE is a reference, oci-layout://path[:tag][@digest], a digest in the one repository
that is spoken of, or a descriptor as JSON. One index is copied as it is.

  -t, --tag NAME          what the new image is called; may be repeated, all or none come about
      --annotation TEXT   index:KEY=VALUE, or manifest-descriptor[PLATFORM]:KEY=VALUE; may be repeated
      --append            add the sources to what the first tag names now
      --dry-run           print the index and push nothing
  -f, --file FILE         read a source from a file, such as a descriptor with another platform; may be repeated
      --metadata-file FILE  write digest and name of the result as JSON
  -p, --platform P        keep only these platforms, with their attestations; may be repeated
      --prefer-index=false  keep a single manifest as it is, without an index around it
      --progress KIND     auto (default), plain, tty, rawjson, quiet or none

docs/imagetools.md tells more.`,
  async run(args, io) {
    const { request, dryRun, metadataFile, progress } = await parse(args, io);
    const kind = progressKind(progress, io);
    requirePlace("metadata-file", metadataFile, io.cwd);
    return await withRegistry(io, async (client) => await withProgress(kind, io, async (report) => {
      const options: CreateOptions = { client, cwd: io.cwd, host: hostPlatform(), clock: systemClock, report };
      if (dryRun) {
        const { bytes } = await previewImage(request, options, io.signal);
        io.stdout(`${Buffer.from(bytes).toString("utf8")}\n`);
        return EXIT.ok;
      }
      const { metadata } = await createImage(request, options, io.signal);
      if (metadataFile !== undefined) await writeResultFile(metadataFile, io.cwd, metadata);
      return EXIT.ok;
    }));
  },
};

interface Flags {
  readonly request: CreateRequest;
  readonly dryRun: boolean;
  readonly metadataFile: string | undefined;
  readonly progress: string;
}

const OPTIONS = {
  tag: { type: "string", short: "t", multiple: true },
  annotation: { type: "string", multiple: true },
  append: { type: "boolean", default: false },
  "dry-run": { type: "boolean", default: false },
  file: { type: "string", short: "f", multiple: true },
  "metadata-file": { type: "string" },
  platform: { type: "string", short: "p", multiple: true },
  "prefer-index": { type: "boolean", default: true },
  progress: { type: "string" },
} as const;

async function parse(args: readonly string[], io: CommandIo): Promise<Flags> {
  const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
  const { tag: tags = [], annotation: annotations = [], file = [], append, platform: platforms = [], "prefer-index": preferIndex } = values;
  const files = await Promise.all(file.map((path) => readSource(path, io.cwd)));
  return {
    request: { sources: [...files, ...positionals], tags, annotations, append, platforms, preferIndex },
    dryRun: values["dry-run"],
    metadataFile: values["metadata-file"],
    progress: values.progress ?? io.env["BUILDKIT_PROGRESS"] ?? "auto",
  };
}

/** What a file of a source says is what an argument would say. */
async function readSource(path: string, cwd: string): Promise<string> {
  try {
    return (await readFile(resolve(cwd, path), "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new UsageError(`open ${path}: no such file or directory`);
    throw new UsageError(`${NAME}: --file ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
