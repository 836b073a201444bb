import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { collectEvidence, planEvidenceCollection, type Collected, type CollectionPlan, type CollectionRequest, type Removal } from "../doors/evidence.ts";
import { parseDigest, parseReference, type Digest } from "../doors/registry.ts";
import { onlyArgument, oneOf, parseCommandLine } from "./command-line.ts";
import type { Command, CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { UsageError } from "./usage-error.ts";
import { withRegistry } from "./with-image.ts";

const NAME = "evidence gc";

export const command: Command = {
  name: NAME,
  summary: "take evidence away whose image is gone, and nothing else",
  usage: `Usage: stemma evidence gc [--plan | --apply] [--candidates FILE] [--format text|json] REPOSITORY

Looks through a repository for attestations and signatures, and entries of fallback tags (sha256-…), whose subject the
registry has no more and that no tag leads to.

      --plan             tell what would go, what stays, and why (default)
      --apply            take it away; each is checked again right before
      --candidates FILE  digests from the registry's own listing (any text that holds sha256:…): registries do not
                         list manifests that have no tag, so others than those that tags, indexes and referrers tell of
                         are found only so
      --format FORMAT    of the plan: text (default) or json

docs/evidence.md tells more.`,
  async run(args, io) {
    const { request, apply, format } = await parse(args, io);
    return await withRegistry(io, async (client) => {
      if (!apply) {
        const plan = await planEvidenceCollection(request, client, io.signal);
        io.stdout(format === "json" ? `${JSON.stringify(plan, undefined, 2)}\n` : planText(plan));
        return EXIT.ok;
      }
      let skipped = 0;
      const plan = await collectEvidence(request, client, (collected) => {
        if (collected.skipped !== undefined) skipped++;
        io.stdout(collectedText(collected));
      }, io.signal);
      io.stdout(`${plan.removals.length - skipped} taken away, ${skipped} left\n`);
      return EXIT.ok;
    });
  },
};

interface Flags {
  readonly request: CollectionRequest;
  readonly apply: boolean;
  readonly format: "text" | "json";
}

const OPTIONS = { plan: { type: "boolean" }, apply: { type: "boolean", default: false }, candidates: { type: "string" }, format: { type: "string" } } as const;

async function parse(args: readonly string[], { cwd }: CommandIo): Promise<Flags> {
  const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
  const { domain, path, tag, digest } = parseReference(onlyArgument(NAME, "repository", positionals));
  if (tag !== undefined || digest !== undefined) throw new UsageError(`${NAME}: takes a repository, without a tag or a digest`);
  if (values.plan === true && values.apply) throw new UsageError(`${NAME}: --plan and --apply exclude each other`);
  const format = oneOf(NAME, "format", values.format, ["text", "json"]) ?? "text";
  if (format === "json" && values.apply) throw new UsageError(`${NAME}: --format goes with --plan`);
  const candidates = values.candidates === undefined ? [] : await readCandidates(values.candidates, cwd);
  return { request: { repository: { domain, path }, candidates }, apply: values.apply, format };
}

/** Digests one by one, or a listing of any form in which they stand. */
async function readCandidates(path: string, cwd: string): Promise<readonly Digest[]> {
  const text = await readFile(resolve(cwd, path), "utf8").catch((error: unknown) => {
    throw new UsageError(`${NAME}: --candidates ${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
  const found = text.match(/sha256:[0-9a-zA-Z]*/g) ?? [];
  const bad = found.find((one) => !/^sha256:[0-9a-f]{64}$/.test(one));
  if (bad !== undefined) throw new UsageError(`${NAME}: --candidates ${path}: ${bad} is no digest`);
  if (found.length === 0) throw new UsageError(`${NAME}: --candidates ${path}: no digest in it`);
  return [...new Set(found)].map(parseDigest);
}

function planText({ repository, tags, manifests, removals, kept }: CollectionPlan): string {
  const lines = [
    `repository  ${repository}: ${tags} tags, ${manifests} manifests seen`,
    ...removals.map((removal) => `remove      ${removalText(removal)}`),
    ...kept.map(({ digest, about, why }) => `keep        ${digest} about ${about.join(", ")}: ${why}`),
    removals.length === 0 ? "nothing to take away" : `nothing was changed; --apply takes away the ${removals.length} above`,
    "a registry does not list manifests without a tag: others may be found with --candidates FILE",
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function collectedText({ removal, skipped }: Collected): string {
  return skipped === undefined ? `removed     ${removalText(removal)}\n` : `left        ${removalText(removal)}: ${skipped}\n`;
}

function removalText(removal: Removal): string {
  switch (removal.kind) {
    case "manifest":
      return `${removal.digest} (${removal.type}): about ${removal.about.join(", ")}, which is gone`;
    case "list":
      return `tag ${removal.tag}: ${removal.subject} is gone, and nothing stays in this list of what refers to it`;
    case "entries":
      return `${removal.entries.length} of the entries of tag ${removal.tag}: ${removal.entries.join(", ")}`;
  }
}
