import { TimeSlice } from "../../content/time-slice.ts";
import type { CatalogContext, Cataloger } from "../cataloger.ts";
import { parseControl, type ControlFields } from "../control-fields.ts";
import type { FoundPackage } from "../found-package.ts";
import { distroQualifier, osNamespace } from "../os-namespace.ts";
import { parseFile, parseFiles } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";
import { debianLicenses } from "./debian-copyright.ts";
import { readDiversions, type Diversions } from "./dpkg-diversions.ts";
import { relatedPackage } from "./dpkg-dependencies.ts";
import { withMetDependencies, type Related } from "./met-dependencies.ts";

const ROOT = "var/lib/dpkg";
/** A package of its own in each file, as images without dpkg have them. */
const STATUS_DIRECTORY = `${ROOT}/status.d/`;
/** What these states leave of a package is at most its configuration (dpkg(1)). */
const NOT_THERE = /\s(?:not-installed|config-files)$/;

/** Packages of Debian and its kin, of dpkg's data base. */
export const dpkg: Cataloger = {
  name: "dpkg",
  wants: ({ path }) => path === `${ROOT}/status` || (path.startsWith(STATUS_DIRECTORY) && !path.endsWith(".md5sums")),

  async find(files, context, signal) {
    const diversions = await readDiversions(context, signal);
    const related: Related[] = [];
    for await (const { file, parsed } of parseFiles(files, (bytes) => parseControl(bytes.toString("utf8")), context, signal)) {
      for (const fields of parsed.filter(isThere)) {
        related.push(relatedPackage(fields, await foundPackage(fields, file, { context, diversions }, signal)));
      }
    }
    return withMetDependencies(related);
  },
};

/** Where there is no dpkg, no state is written either. */
function isThere(fields: ControlFields): boolean {
  return fields.has("package") && !NOT_THERE.test(fields.get("status") ?? "");
}

interface Surroundings {
  readonly context: CatalogContext;
  readonly diversions: Diversions;
}

async function foundPackage(fields: ControlFields, file: ScanFile, { context, diversions }: Surroundings, signal: AbortSignal): Promise<FoundPackage> {
  const name = fields.get("package") ?? "";
  const arch = fields.get("architecture") ?? "";
  const lists = listsOf(name, arch, file, context);
  const listed = lists[0] === undefined ? [] : await parseFile(lists[0], (bytes) => parseList(bytes.toString("utf8")), context, signal);
  const files = await locate(diversions.apply(name, listed ?? []), context, signal);
  const copyright = context.tree.resolve(`usr/share/doc/${name}/copyright`);
  const licenses = copyright === undefined ? [] : await parseFile(copyright, (bytes) => debianLicenses(bytes.toString("utf8")), context, signal);
  return {
    type: "deb",
    namespace: osNamespace(context.osRelease),
    name,
    version: fields.get("version"),
    qualifiers: { arch, distro: distroQualifier(context.osRelease), upstream: upstreamOf(fields) },
    licenses: licenses ?? [],
    supplier: fields.get("maintainer"),
    ...originator(fields),
    homepage: fields.get("homepage"),
    evidence: [file.path, ...[...lists.slice(0, 1), ...(copyright === undefined ? [] : [copyright])].map(({ path }) => path)],
    // dpkg writes the list when it unpacks the package, and not again; the data base, at each step.
    broughtBy: file.path.startsWith(STATUS_DIRECTORY) ? file.path : (lists[0]?.path ?? files[0] ?? file.path),
    files,
    dependencies: [],
  };
}

/** What tells a package's files, the best first: dpkg's list, which has the architecture in its name where several may be installed; else its checksums. */
function listsOf(name: string, arch: string, file: ScanFile, { tree }: CatalogContext): ScanFile[] {
  const own = file.path.startsWith(STATUS_DIRECTORY) ? [`${file.path}.md5sums`] : [];
  const stems = [`${ROOT}/info/${name}:${arch}`, `${ROOT}/info/${name}`];
  return [...own, ...stems.map((stem) => `${stem}.list`), ...stems.map((stem) => `${stem}.md5sums`)].map((path) => tree.locate(path)).filter((list) => list !== undefined);
}

/** Paths, one a line, of a list (absolute) or of checksums (relative, after the sum). */
function parseList(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/^[0-9a-f]{32} [ *]/, "")).filter((line) => line !== "");
}

/** Of what dpkg listed, the regular files that are there. It lists paths as in the archive: `/lib/x` may lie at `usr/lib/x`. */
async function locate(listed: readonly string[], { tree }: CatalogContext, signal: AbortSignal): Promise<string[]> {
  const paths = new Set<string>();
  const slice = new TimeSlice();
  for (const path of listed) {
    const file = tree.locate(path);
    if (file !== undefined) paths.add(file.path);
    if (slice.isSpent) await slice.renew(signal);
  }
  return [...paths];
}

/** The source package, `name` or `name@version`, where it differs from the package. */
function upstreamOf(fields: ControlFields): string {
  const [, name = fields.get("package") ?? "", version = fields.get("version") ?? ""] = /^(\S+)(?:\s+\((.*)\))?/.exec(fields.get("source") ?? "") ?? [];
  if (version !== (fields.get("version") ?? "")) return `${name}@${version}`;
  return name === fields.get("package") ? "" : name;
}

/** Of a derived distribution, who maintains the package where it was taken from. */
function originator(fields: ControlFields): Pick<FoundPackage, "originator"> {
  const original = fields.get("original-maintainer") ?? fields.get("xsbc-original-maintainer");
  return original === undefined ? {} : { originator: original };
}
