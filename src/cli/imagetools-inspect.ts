import { parseArgs } from "node:util";
import { inspectImage, TemplateError } from "../doors/trace.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { UsageError } from "./usage-error.ts";
import { withImage } from "./with-image.ts";

export const command: Command = {
  name: "imagetools inspect",
  summary: "show an image and what is recorded of it",
  usage: `Usage: stemma imagetools inspect [--format TEMPLATE | --raw] NAME

Shows the manifest or index of an image, and by a template its configuration, provenance and SBOM. NAME is a reference,
or oci-layout://path[:tag][@digest] for a layout in a directory or in a tar.

      --format TEMPLATE  a Go template over .Name .Manifest .Image .Provenance .SBOM; for several platforms the last
                         three are maps by platform: {{ json (index .Provenance "linux/amd64").SLSA }}
      --raw              the manifest's bytes as they are

docs/imagetools.md has templates to start from.`,
  async run(args, io) {
    const { format, raw, name } = parse(args);
    return await withImage(name, io, async (image) => {
      try {
        io.stdout(await inspectImage(image, { format, raw }, io.signal));
        return EXIT.ok;
      } catch (error) {
        // What a template wrote before it failed is output all the same.
        if (error instanceof TemplateError && error.partialOutput !== "") io.stdout(error.partialOutput);
        throw error instanceof TemplateError ? new UsageError(error.message) : error;
      }
    });
  },
};

interface Flags {
  readonly format: string;
  readonly raw: boolean;
  readonly name: string;
}

function parse(args: readonly string[]): Flags {
  try {
    const options = { format: { type: "string", default: "" }, raw: { type: "boolean", default: false } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0) throw new UsageError(`takes one image, not ${positionals.length}`);
    return { ...values, name };
  } catch (error) {
    throw new UsageError(`imagetools inspect: ${error instanceof Error ? error.message : String(error)}`);
  }
}
