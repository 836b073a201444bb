import { deleteOldEvidence, scrubEvidence, type OldEvidence, type ScrubReport } from "../doors/evidence.ts";
import { parseReference } from "../doors/registry.ts";
import { onlyArgument, parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { withRegistry } from "./with-image.ts";

const NAME = "evidence scrub";

export const command: Command = {
  name: NAME,
  summary: "mask secrets in what is recorded of a published image",
  usage: `Usage: stemma evidence scrub [--drop-signatures] [--delete-old] NAME

Masks what looks like a secret in every record of an image in a registry, as a build of ours would have: the image gets new
attestations and a new index, and its tag moves. Tells what was masked, and what is still there that holds it. The image
itself, with its history and variables, stays as it is.

      --drop-signatures  do so also where something that is signed has to change
      --delete-old       delete the records that hold the secret, unless another tag leads to them

A secret that was published has to be revoked, whatever is masked later. docs/evidence.md tells more.`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    const image = onlyArgument(NAME, "image", positionals);
    return await withRegistry(io, async (client) => {
      const report = await scrubEvidence({ image, dropSignatures: values["drop-signatures"] }, client, io.signal);
      io.stdout(reportText(report));
      if (report.old.length === 0) return EXIT.ok;
      // What holds the secret is told before anything is deleted: the registry may refuse.
      const deleted = values["delete-old"] ? await deleteOldEvidence(parseReference(image), report.old, client, io.signal) : [];
      const digests = new Set(deleted.map(({ digest }) => digest));
      io.stdout(report.old.map((old) => `${digests.has(old.digest) ? "deleted " : "old     "}  ${oldText(old)}\n`).join(""));
      if (!values["delete-old"]) io.stdout("whoever knows these digests reads the secret; --delete-old deletes them\n");
      return EXIT.ok;
    });
  },
};

const OPTIONS = { "drop-signatures": { type: "boolean", default: false }, "delete-old": { type: "boolean", default: false } } as const;

function reportText({ image, records, root, dropped }: ScrubReport): string {
  if (records.length === 0) return `${image}: nothing in its records looks like a secret; nothing was changed\n`;
  const masked = records.flatMap(({ platform, predicateType, before, after, redactions }) => [
    `record    ${predicateType} (${platform}): ${before} is ${after} now`,
    ...redactions.map(({ place, kind, name }) => `masked    ${place} (${kind}${name === undefined ? "" : ` ${name}`})`),
  ]);
  const lines = [...masked, `image     ${image} is ${root} now`, ...dropped.map((digest) => `unsigned  ${digest} holds for nothing any more`)];
  return lines.map((line) => `${line}\n`).join("");
}

function oldText({ digest, kind, named, listed }: OldEvidence): string {
  const ways = [
    ...(named === undefined ? [] : [`${named} still names it: scrub that too`]),
    ...(listed ? ["the registry still lists it as referring to the image"] : []),
    ...(kind === "index" ? ["it names the attestation, and is left for those who use it by its digest"] : []),
  ];
  return `${kind} ${digest}${ways.length === 0 ? "" : `: ${ways.join("; ")}`}`;
}
