import { dirname, join, resolve } from "node:path/posix";
import { TimeSlice } from "../../content/time-slice.ts";
import type { CatalogContext } from "../cataloger.ts";
import type { FoundPackage } from "../found-package.ts";
import { downloadQualifier, repositoryQualifier } from "../origin-url.ts";
import { linesOf, parseJson } from "../parse-text.ts";
import { member, memberText } from "../../content/parsed-value.ts";
import { purlOf } from "../purl.ts";
import { parseFile, parseFiles } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";
import { parseMetadata, type Metadata } from "./metadata.ts";
import { mayApply, normalizedName, parseRequirement } from "./requirement.ts";

/** What an installer leaves: of a wheel, of setuptools, of distutils (a file), of an egg. */
const METADATA = /(?:^|\/)(?:[^/]+\.dist-info\/METADATA|[^/]+\.egg-info\/PKG-INFO|[^/]+\.egg-info|[^/]+\.egg\/EGG-INFO\/PKG-INFO)$/;
const PYTHON_VERSION = /(?:^|\/)python(\d+\.\d+)\//;

export function isMetadata(path: string): boolean {
  return METADATA.test(path);
}

interface Distribution {
  /** Where it can be imported from: what lies there too is what it finds. */
  readonly root: string;
  readonly requires: readonly string[];
  readonly found: FoundPackage;
}

/** Distributions that lie where an interpreter looks for them. */
export async function installedPackages(files: readonly ScanFile[], context: CatalogContext, signal: AbortSignal): Promise<FoundPackage[]> {
  const distributions: Distribution[] = [];
  for await (const { file, parsed } of parseFiles(files, parseMetadata, context, signal)) {
    distributions.push(await distributionOf(file, parsed, context, signal));
  }
  // No path has a zero in it.
  const places = new Map(distributions.map((one) => [`${one.root}\0${one.found.name}`, one.found]));
  return distributions.map((one) => ({ ...one.found, dependencies: needsOf(one, (name) => places.get(`${one.root}\0${name}`)) }));
}

async function distributionOf(file: ScanFile, metadata: Metadata, context: CatalogContext, signal: AbortSignal): Promise<Distribution> {
  // The folder of the metadata; distutils has none.
  const folder = file.path.endsWith(".egg-info") ? undefined : dirname(file.path);
  const root = dirname(folder === undefined ? file.path : folder.endsWith("/EGG-INFO") ? dirname(folder) : folder);
  const beside = async <T>(name: string, parse: (bytes: Buffer) => T): Promise<T | undefined> => {
    const other = folder === undefined ? undefined : context.tree.files.get(join(folder, name));
    return other === undefined ? undefined : await parseFile(other, parse, context, signal);
  };
  const record = (await beside("RECORD", recordedPaths)) ?? [];
  const installed = (await beside("installed-files.txt", linesOf)) ?? [];
  const paths = [...record.map((path) => resolve(`/${root}`, path)), ...installed.map((path) => resolve(`/${folder ?? ""}`, path)), file.path];
  const found = {
    type: "pypi" as const,
    namespace: undefined,
    name: normalizedName(metadata.name),
    version: metadata.version,
    qualifiers: (await beside("direct_url.json", originOf)) ?? {},
    licenses: metadata.licenses,
    supplier: metadata.supplier,
    homepage: metadata.homepage,
    evidence: [file.path] as const,
    broughtBy: file.path,
    files: await present(paths, context, signal),
    dependencies: [],
  };
  return { root, requires: (await beside("requires.txt", requiresOf)) ?? metadata.requires, found };
}

/** First fields of RECORD, a CSV file ("Recording installed projects"). Absolute ones stay so. */
function recordedPaths(bytes: Uint8Array): string[] {
  return linesOf(bytes).flatMap((line) => {
    const [, quoted, plain] = /^(?:"((?:[^"]|"")*)"|([^,]*))/.exec(line) ?? [];
    const path = quoted?.replaceAll('""', '"') ?? plain ?? "";
    return path === "" ? [] : [path];
  });
}

/** setuptools: lines up to the first section are needed always. */
function requiresOf(bytes: Uint8Array): string[] {
  const lines = linesOf(bytes);
  const section = lines.findIndex((line) => line.startsWith("["));
  return lines.slice(0, section < 0 ? undefined : section).filter((line) => line.trim() !== "");
}

/** Where a distribution came from that no index has (PEP 610); a folder of the machine that built the image says nothing. */
function originOf(bytes: Uint8Array): Readonly<Record<string, string>> {
  const origin = parseJson(bytes);
  const url = memberText(origin, "url") ?? "";
  const vcs = member(origin, "vcs_info");
  if (memberText(vcs, "vcs") === "git") return repositoryQualifier(url, memberText(vcs, "commit_id"));
  return member(origin, "archive_info") === undefined ? {} : downloadQualifier(url);
}

async function present(paths: readonly string[], { tree }: CatalogContext, signal: AbortSignal): Promise<string[]> {
  const there = new Set<string>();
  const slice = new TimeSlice();
  for (const path of paths) {
    const file = tree.locate(path.replace(/^\/+/, ""));
    if (file !== undefined) there.add(file.path);
    if (slice.isSpent) await slice.renew(signal);
  }
  return [...there].toSorted();
}

function needsOf({ root, requires, found }: Distribution, beside: (name: string) => FoundPackage | undefined): string[] {
  const environment = { pythonVersion: PYTHON_VERSION.exec(`${root}/`)?.[1] };
  const asked = requires.flatMap((text) => parseRequirement(text) ?? []).filter(({ marker }) => mayApply(marker, environment));
  const needed = asked.flatMap(({ name }) => beside(name) ?? []).filter((one) => one !== found);
  return [...new Set(needed.map(purlOf))];
}
