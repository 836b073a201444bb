import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const PACKAGE = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//;
const FIRST_COMMENT = /^(?:#!.*\n)?\s*((?:\/\/.*\n)+|\/\*[^]*?\*\/)/;

/** Licences and copyrights of the packages that these files, named from `root`, were taken from. */
export function thirdPartyNotices(root: string, files: readonly string[]): string {
  const packages = Map.groupBy(files.filter((file) => PACKAGE.test(file)), (file) => PACKAGE.exec(file)?.[1] ?? "");
  const sections = [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, used]) => section(root, name, used));
  return `Parts of these packages are in the JavaScript files of this folder.\n\n${sections.join("\n")}`;
}

function section(root: string, name: string, used: readonly string[]): string {
  const folder = join(root, "node_modules", name);
  // Every package has both.
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { readonly version: string; readonly license: string };
  const licences = readdirSync(folder).filter((entry) => /^(licen[cs]e|notice|copying)/i.test(entry)).toSorted();
  const texts = licences.length > 0
    ? licences.map((entry) => readFileSync(join(folder, entry), "utf8"))
    : [...new Set(used.map((file) => copyrightOf(join(root, file))).filter((text) => text !== ""))];
  if (texts.length === 0) throw new Error(`${name}: neither a licence file nor a copyright in its sources, so it cannot be bundled`);
  return [`== ${name} ${version} (${license})`, "", ...texts].join("\n").trimEnd() + "\n";
}

/** The comment that the file begins with, where that tells a copyright. */
function copyrightOf(file: string): string {
  const comment = FIRST_COMMENT.exec(readFileSync(file, "utf8"))?.[1] ?? "";
  if (!/copyright/i.test(comment)) return "";
  return `${comment.split("\n").map((line) => line.replace(/^\s*(?:\/\/|\/\*+!?|\*\/|\*) ?/, "").replace(/\*\/\s*$/, "").trimEnd()).join("\n").trim()}\n`;
}
