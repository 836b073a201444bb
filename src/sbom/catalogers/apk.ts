import { TimeSlice } from "../../content/time-slice.ts";
import type { CatalogContext, Cataloger } from "../cataloger.ts";
import { distroQualifier, osNamespace } from "../os-namespace.ts";
import { DamagedFileError, parseFiles } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";
import { locateFiles, type ListedFile } from "./intact-file.ts";
import { withMetDependencies, type Related } from "./met-dependencies.ts";

const DATABASES: ReadonlySet<string> = new Set(["lib/apk/db/installed", "usr/lib/apk/db/installed"]);

/** Packages of Alpine and its kin, of apk's data base of what is installed. */
export const apk: Cataloger = {
  name: "apk",
  wants: ({ path }) => DATABASES.has(path),

  async find(files, context, signal) {
    const related: Related[] = [];
    const slice = new TimeSlice();
    for await (const { file, parsed } of parseFiles(files, (bytes) => parseInstalled(bytes.toString("utf8")), context, signal)) {
      for (const one of parsed) {
        related.push(await relatedPackage(one, file, context, signal));
        if (slice.isSpent) await slice.renew(signal);
      }
    }
    return withMetDependencies(related);
  },
};

/** A record of the data base (apk-installed(5)). */
interface Installed {
  /** By their letters; of what belongs to the package, not to one of its files. */
  readonly fields: ReadonlyMap<string, string>;
  readonly files: readonly ListedFile[];
}

function parseInstalled(text: string): Installed[] {
  return text.split(/\n{2,}/).map(parseRecord).filter(({ fields }) => fields.size > 0).map((record) => {
    if (!record.fields.has("P")) throw new DamagedFileError("a record without a name (P:) of its package");
    return record;
  });
}

function parseRecord(text: string): Installed {
  const fields = new Map<string, string>();
  const files: Array<{ path: string; digest: ListedFile["digest"] }> = [];
  let directory = "";
  for (const line of text.split("\n")) {
    const [letter, value] = [line.slice(0, 1), line.slice(2)];
    if (line.charAt(1) !== ":") continue;
    const last = files.at(-1);
    if (letter === "F") directory = value;
    else if (letter === "R") files.push({ path: directory === "" ? value : `${directory}/${value}`, digest: undefined });
    else if (letter === "Z" && last !== undefined) last.digest = digestOf(value);
    else if (letter !== "M" && letter !== "a") fields.set(letter, value);
  }
  return { fields, files };
}

/** `Q1` and base64: a SHA-1; `Q2`: a SHA-256. */
function digestOf(checksum: string): ListedFile["digest"] {
  const hex = Buffer.from(checksum.slice(2), "base64").toString("hex");
  if (checksum.startsWith("Q1")) return { algorithm: "sha1", hex };
  return checksum.startsWith("Q2") ? { algorithm: "sha256", hex } : undefined;
}

async function relatedPackage({ fields, files }: Installed, database: ScanFile, context: CatalogContext, signal: AbortSignal): Promise<Related> {
  const located = await locateFiles(files, context.tree, signal);
  const [name, origin] = [fields.get("P") ?? "", fields.get("o")];
  const license = fields.get("L");
  return {
    found: {
      type: "apk",
      namespace: osNamespace(context.osRelease),
      name,
      version: fields.get("V"),
      qualifiers: { arch: fields.get("A") ?? "", distro: distroQualifier(context.osRelease), upstream: origin === undefined || origin === name ? "" : origin },
      licenses: license === undefined ? [] : [license],
      supplier: fields.get("m"),
      homepage: fields.get("U"),
      evidence: [database.path],
      // The data base is written anew by each step that installs.
      broughtBy: located.intact ?? database.path,
      files: located.paths,
      dependencies: [],
    },
    provides: words(fields.get("p")),
    // A conflict, `!name`, is met by nothing.
    needs: words(fields.get("D")).map((need) => [need]),
  };
}

/** Names without the versions that they are compared to: `so:libc.musl-x86_64.so.1`, `cmd:sh`, `musl`. */
function words(text: string | undefined): string[] {
  return (text ?? "").split(/\s+/).map((word) => word.replace(/(?<=.)[<>=~@].*$/, "")).filter((word) => word !== "");
}
