import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { attachEvidence, type AttachedEvidence } from "../doors/evidence.ts";
import { onlyArgument, oneOf, parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { UsageError } from "./usage-error.ts";
import { withRegistry } from "./with-image.ts";

const NAME = "evidence attach";

export const command: Command = {
  name: NAME,
  summary: "add a statement to an image that is published",
  usage: `Usage: stemma evidence attach --file STATEMENT.json [flags] NAME

Adds an in-toto statement to an image in a registry. Its subjects must include the image's manifest. What is there stays.

      --file FILE        the statement, JSON
      --platform P       which image of several: linux/arm64
      --store PLACE      index (default): beside the image, as BuildKit does it; the tag moves to the new index
                         referrers: as a manifest that refers to the image; no digest and no tag changes

docs/evidence.md tells more.`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    const image = onlyArgument(NAME, "image", positionals);
    const store = oneOf(NAME, "store", values.store, ["index", "referrers"]) ?? "index";
    if (values.file === undefined) throw new UsageError(`${NAME}: --file is needed: an in-toto statement`);
    const statement = await readStatement(values.file, io.cwd);
    const attached = await withRegistry(io, (client) => attachEvidence({ image, statement, platform: values.platform, store }, client, io.signal));
    io.stdout(textOf(attached, store));
    return EXIT.ok;
  },
};

const OPTIONS = { file: { type: "string" }, platform: { type: "string" }, store: { type: "string" } } as const;

async function readStatement(path: string, cwd: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(cwd, path));
  } catch (error) {
    throw new UsageError(`${NAME}: --file ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function textOf({ state, platform, predicateType, subject, attestation, root, leftBehind, suspects }: AttachedEvidence, store: "index" | "referrers"): string {
  const what = `${predicateType} about ${subject} (${platform})`;
  if (state === "present") return `present   ${what}: the same statement is there; nothing was changed\n`;
  const lines = [`attached  ${what}: ${attestation}`];
  if (store === "index") lines.push(`index     ${root}`);
  if (leftBehind.length > 0) lines.push(`note      what refers to the old index says nothing of the new one: ${leftBehind.join(", ")}; --store referrers leaves the index as it is`);
  const places = [...new Set(suspects.map(({ place }) => place))];
  if (places.length > 0) lines.push(`note      what looks like a secret is published with it (${places.join(", ")}); "stemma evidence scrub" masks it`);
  return lines.map((line) => `${line}\n`).join("");
}
