import type { LockedPackage, LockedPackages } from "../locked-package.ts";
import { repositoryQualifier } from "../origin-url.ts";
import { linesOf } from "../parse-text.ts";
import { DamagedFileError } from "../read-file.ts";

const SECTIONS: ReadonlySet<string> = new Set(["GEM", "GIT", "PATH", "PLUGIN SOURCE", "PLATFORMS", "DEPENDENCIES", "CHECKSUMS", "RUBY VERSION", "BUNDLED WITH"]);
/** Systems that no container of ours is. */
const ELSEWHERE = /mingw|mswin|darwin|java|freebsd|openbsd|solaris/;

interface Spec {
  readonly section: string;
  readonly source: ReadonlyMap<string, string>;
  readonly name: string;
  readonly version: string | undefined;
  /** Undefined for what runs on any. */
  readonly platform: string | undefined;
  readonly dependencies: string[];
}

/**
 * The gems of a lock file of Bundler (Gemfile.lock, gems.locked) but for the project's own. It does not tell groups: the Gemfile does,
 * which is a program, so gems for development are listed too.
 */
export function parseGemfileLock(bytes: Uint8Array): LockedPackages {
  const fitting = Map.groupBy(parseSpecs(bytes).filter(({ section }) => section === "GEM" || section === "GIT"), ({ name, version }) => `${name} ${version}`);
  const byName = Map.groupBy(fitting.keys(), (key) => key.slice(0, key.indexOf(" ")));
  const packages = new Map<string, LockedPackage>();
  for (const [key, variants] of fitting) {
    const [spec, ...others] = variants.some(({ platform }) => fits(platform)) ? variants.filter(({ platform }) => fits(platform)) : variants;
    if (spec === undefined) continue;
    // Which of several will be installed is decided on the machine where it is.
    const platform = others.length === 0 && spec.platform !== undefined ? { platform: spec.platform } : {};
    const needed = new Set([spec, ...others].flatMap(({ dependencies }) => dependencies));
    packages.set(key, { namespace: undefined, name: spec.name, version: spec.version, qualifiers: { ...platform, ...originOf(spec) }, licenses: [], dependencies: [...needed].flatMap((name) => byName.get(name)?.[0] ?? []) });
  }
  return packages;
}

function fits(platform: string | undefined): boolean {
  return platform === undefined || !ELSEWHERE.test(platform);
}

function originOf({ section, source }: Spec): Readonly<Record<string, string>> {
  return section === "GIT" ? repositoryQualifier(source.get("remote") ?? "", source.get("revision")) : {};
}

function parseSpecs(bytes: Uint8Array): Spec[] {
  const specs: Spec[] = [];
  let section = "";
  let source = new Map<string, string>();
  let isKnown = false;
  for (const [index, line] of linesOf(bytes).entries()) {
    if (/^(?:<{7}|={7}|>{7})/.test(line)) throw new DamagedFileError(`line ${index + 1} is the mark of a conflict`);
    if (/^[A-Z]/.test(line)) {
      section = line.trim();
      source = new Map();
      isKnown ||= SECTIONS.has(section);
    }
    const [, key, value] = /^ {2}(\w+): (.*)$/.exec(line) ?? [];
    if (key !== undefined) source.set(key, value ?? "");
    const [, indent, name = "", version] = /^( {4}| {6})([^\s!()]+)!?(?: \(([^)]*)\))?$/.exec(line) ?? [];
    if (indent?.length === 4) specs.push({ section, source, name, ...splitPlatform(version), dependencies: [] });
    if (indent?.length === 6) specs.at(-1)?.dependencies.push(name);
  }
  if (!isKnown) throw new DamagedFileError("no lock file of Bundler: it has none of its sections");
  return specs;
}

/** `1.0.0-x86_64-linux`: a version has no dash. */
function splitPlatform(text: string | undefined): Pick<Spec, "version" | "platform"> {
  const dash = text?.indexOf("-") ?? -1;
  return dash < 0 ? { version: text, platform: undefined } : { version: text?.slice(0, dash), platform: text?.slice(dash + 1) };
}
