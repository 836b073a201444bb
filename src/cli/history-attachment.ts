import { findRun, HistoryError, type AttachmentRecord, type BuildRecord } from "../doors/history.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { UsageError } from "./usage-error.ts";
import { requireBuilds, ROOT_HELP, ROOT_OPTION, withHistory } from "./with-history.ts";

const NAME = "history inspect attachment";
const OPTIONS = { ...ROOT_OPTION, type: { type: "string" }, platform: { type: "string" } } as const;

export const command: Command = {
  name: NAME,
  summary: "write what is kept beside a build's record: statements, metadata",
  usage: `Usage: stemma history inspect attachment [flags] [REF] [DIGEST]

Writes one attachment of a build as it is: the one of DIGEST, or the first of a type and platform. REF as for history inspect.

      --type TYPE        provenance, sbom, statement, metadata or any; or the predicate type or media type that it has
      --platform P       which of several: linux/arm64
${ROOT_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    const { type, platform } = values;
    const digest = positionals.find((each) => each.startsWith("sha256:"));
    const [ref = "", ...more] = positionals.filter((each) => each !== digest);
    if (more.length > 0) throw new UsageError(`${NAME}: takes a build and a digest, not ${positionals.length} arguments`);
    if (digest === undefined && type === undefined) throw new UsageError("at least one of --type, --platform or DIGEST must be specified");
    return await withHistory(values.root, io, async (open) => {
      const builds = requireBuilds(open);
      const record = findRun(builds, ref);
      io.stdout(builds.attachment(record.id, attachmentOf(record, { digest, type, platform }).digest));
    });
  },
};

function attachmentOf({ id, platforms, attachments }: BuildRecord, { digest, type, platform }: { readonly digest: string | undefined; readonly type: string | undefined; readonly platform: string | undefined }): AttachmentRecord {
  const isOfType = (each: AttachmentRecord): boolean => type === undefined || type === "any" || [each.type, each.predicateType, each.mediaType].includes(type);
  const isOfPlatform = (each: AttachmentRecord): boolean => platform === undefined || (each.platform ?? platforms[0] ?? platform) === platform;
  const found = attachments.find((each) => (digest === undefined || each.digest === digest) && isOfType(each) && isOfPlatform(each));
  if (found !== undefined) return found;
  throw new HistoryError("missing-input", `no matching attachment found for ref ${JSON.stringify(id)}`);
}
