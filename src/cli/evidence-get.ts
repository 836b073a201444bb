import { getEvidence, type EvidenceQuestion } from "../doors/evidence.ts";
import { onlyArgument, oneOf, parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { writeResultFile } from "./result-file.ts";
import { UsageError } from "./usage-error.ts";
import { withImage } from "./with-image.ts";

const NAME = "evidence get";

export const command: Command = {
  name: NAME,
  summary: "write an image's provenance or SBOM as a document",
  usage: `Usage: stemma evidence get --type provenance|sbom [flags] NAME

Writes the document that a statement about an image holds: the SPDX or CycloneDX document as scanners read it, or the
provenance. It is looked for in the image's index and among what refers to the image. NAME is a reference, or
oci-layout://path[:tag][@digest].

      --type TYPE        provenance or sbom
      --platform P       which image of several: linux/arm64
      --format FORMAT    of an SBOM, where there are both: spdx or cyclonedx
      --digest DIGEST    which statement of several, by the digest of the layer that holds it
      --statement        the whole in-toto statement, with its subjects
  -o, --output FILE      write to a file instead of standard output

The signature of an envelope is not checked. docs/evidence.md tells more.`,
  async run(args, io) {
    const { name, question, whole, output } = parse(args);
    return await withImage(name, io, async (image) => {
      const { statement, document } = await getEvidence(image, question, io.signal);
      const text = whole ? statement : document;
      const written = text.endsWith("\n") ? text : `${text}\n`;
      if (output === undefined || output === "-") io.stdout(written);
      else await writeResultFile(output, io.cwd, written);
      return EXIT.ok;
    });
  },
};

interface Flags {
  readonly name: string;
  readonly question: EvidenceQuestion;
  readonly whole: boolean;
  readonly output: string | undefined;
}

const OPTIONS = {
  type: { type: "string" },
  platform: { type: "string" },
  format: { type: "string" },
  digest: { type: "string" },
  statement: { type: "boolean", default: false },
  output: { type: "string", short: "o" },
} as const;

function parse(args: readonly string[]): Flags {
  const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
  const type = oneOf(NAME, "type", values.type, ["provenance", "sbom"]);
  if (type === undefined) throw new UsageError(`${NAME}: --type is needed: provenance or sbom`);
  const format = oneOf(NAME, "format", values.format, ["spdx", "cyclonedx"]);
  const { platform, digest, statement, output } = values;
  return { name: onlyArgument(NAME, "image", positionals), question: { type, platform, format, digest }, whole: statement, output };
}
