import { dirname } from "node:path/posix";
import { TimeSlice } from "../../content/time-slice.ts";
import type { CatalogContext } from "../cataloger.ts";
import type { FoundPackage } from "../found-package.ts";
import { items, member, memberText, text } from "../../content/parsed-value.ts";
import { parseJson } from "../parse-text.ts";
import { purlOf } from "../purl.ts";
import { DamagedFileError, parseFiles } from "../read-file.ts";
import type { ScanFile, ScanTree } from "../scan-tree.ts";
import { npmName } from "./npm-name.ts";
import { requestsOf } from "./project-manifest.ts";

/** A package's own file, and not one further down in it. */
const MANIFEST = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@.][^/]*\/package\.json$/;
const FOLDER = "node_modules";

export function isInstalledManifest(path: string): boolean {
  return MANIFEST.test(path);
}

/** Packages that lie in folders where Node looks for them, whoever put them there. */
export async function installedPackages(manifests: readonly ScanFile[], context: CatalogContext, signal: AbortSignal): Promise<FoundPackage[]> {
  const read = new Map<string, { readonly manifest: unknown; readonly found: FoundPackage }>();
  for await (const { file, parsed } of parseFiles(manifests, parseManifest, context, signal)) {
    read.set(dirname(file.path), { manifest: parsed.manifest, found: { ...parsed.about, evidence: [file.path], broughtBy: file.path } });
  }
  const files = await filesByFolder(context.tree, read, signal);
  return [...read].map(([folder, { manifest, found }]) => ({
    ...found,
    files: files.get(folder) ?? [],
    dependencies: purlsOf(neededFolders(folder, manifest, context.tree).flatMap((needed) => read.get(needed)?.found ?? []), found),
  }));
}

function purlsOf(needed: readonly FoundPackage[], by: FoundPackage): string[] {
  return [...new Set(needed.map(purlOf))].filter((purl) => purl !== purlOf(by));
}

function parseManifest(bytes: Buffer): { readonly manifest: unknown; readonly about: Omit<FoundPackage, "evidence" | "broughtBy"> } {
  const manifest = parseJson(bytes);
  const name = npmName(memberText(manifest, "name") ?? "");
  if (name === undefined) throw new DamagedFileError("package.json of a package without a name");
  const about = {
    type: "npm" as const,
    ...name,
    version: memberText(manifest, "version"),
    qualifiers: {},
    licenses: licensesOf(manifest),
    supplier: personOf(member(manifest, "author")),
    homepage: memberText(manifest, "homepage"),
    files: [],
    dependencies: [],
  };
  return { manifest, about };
}

/** `license` of today, an expression; objects with a `type`, and `licenses`, of before 2015. */
function licensesOf(manifest: unknown): string[] {
  const declared = [member(manifest, "license"), ...items(member(manifest, "licenses"))];
  return declared.flatMap((license) => text(license) ?? memberText(license, "type") ?? memberText(license, "name") ?? []);
}

function personOf(author: unknown): string | undefined {
  const name = memberText(author, "name");
  const email = memberText(author, "email");
  if (name === undefined) return text(author);
  return email === undefined ? name : `${name} <${email}>`;
}

/** Each file belongs to the innermost package around it. */
async function filesByFolder(tree: ScanTree, packages: ReadonlyMap<string, unknown>, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
  const owned = new Map<string, string[]>();
  const slice = new TimeSlice();
  for (const path of tree.files.keys()) {
    if (slice.isSpent) await slice.renew(signal);
    const start = path.lastIndexOf(`${FOLDER}/`) + FOLDER.length + 1;
    if (start <= FOLDER.length) continue;
    const end = path.indexOf("/", path[start] === "@" ? path.indexOf("/", start) + 1 : start);
    const folder = path.slice(0, Math.max(end, 0));
    if (!packages.has(folder)) continue;
    const files = owned.get(folder);
    if (files === undefined) owned.set(folder, [path]);
    else files.push(path);
  }
  return owned;
}

/** The folders in which Node finds what a package asks for: `node_modules` beside it and in each folder above, links followed. */
function neededFolders(folder: string, manifest: unknown, tree: ScanTree): string[] {
  const { needed, unneeded } = requestsOf(manifest);
  const optional = member(manifest, "optionalDependencies");
  const names = [...needed.keys(), ...[...unneeded.keys()].filter((name) => member(optional, name) !== undefined)];
  return names.flatMap((name) => folderOf(name, folder, tree) ?? []);
}

function folderOf(name: string, from: string, tree: ScanTree): string | undefined {
  if (npmName(name) === undefined) return undefined;
  for (let folder = from; ; folder = dirname(folder)) {
    const file = folder.endsWith(`/${FOLDER}`) || folder === FOLDER ? undefined : tree.resolve(folder === "." ? `${FOLDER}/${name}/package.json` : `${folder}/${FOLDER}/${name}/package.json`);
    if (file !== undefined) return dirname(file.path);
    if (folder === ".") return undefined;
  }
}
