import { linesOf } from "../parse-text.ts";
import { DamagedFileError } from "../read-file.ts";

/** What RubyGems writes of a gem that it installed. */
export interface Gemspec {
  readonly name: string;
  readonly version: string | undefined;
  /** Undefined for what runs on any (`ruby`). */
  readonly platform: string | undefined;
  readonly licenses: readonly string[];
  readonly authors: readonly string[];
  readonly homepage: string | undefined;
  /** Names of what it needs to run. */
  readonly dependencies: readonly string[];
}

const ASSIGNMENT = /^\s*\w+\.(name|version|platform|homepage|licenses?|authors?)\s*=\s*(\S.*)$/;
const NEEDED = /^\s*\w+\.add_(runtime_|development_)?dependency\b(.*)$/;
const LITERAL = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|%q<([^>]*)>/g;

/**
 * The texts that stand in a gemspec. It is a program, and is not run: what RubyGems wrote has texts only, and of what a person
 * wrote the texts are taken, and what is computed is not known.
 */
export function parseGemspec(bytes: Uint8Array): Gemspec {
  const fields = new Map<string, readonly string[]>();
  const needed: { readonly [kind: string]: string[] } = { runtime_: [], development_: [], "": [] };
  for (const line of linesOf(bytes)) {
    const [, stubName, stubVersion, stubPlatform] = /^# stub: (\S+) (\S+) (\S+)/.exec(line) ?? [];
    if (stubName !== undefined && fields.size === 0) for (const [name, value] of Object.entries({ name: stubName, version: stubVersion, platform: stubPlatform })) fields.set(name, [value ?? ""]);
    const [, field = "", value = ""] = ASSIGNMENT.exec(line) ?? [];
    const values = literals(value);
    if (values.length > 0) fields.set(field.replace(/^(license|author)$/, "$1s"), values);
    const [call, kind = "", argument = ""] = NEEDED.exec(line) ?? [];
    if (call !== undefined) needed[kind]?.push(literals(argument)[0] ?? "");
  }
  const one = (field: string): string | undefined => fields.get(field)?.find((value) => value !== "");
  const name = one("name");
  if (name === undefined) throw new DamagedFileError("gemspec that does not tell its name");
  const platform = one("platform");
  const areKindsTold = [...(needed["runtime_"] ?? []), ...(needed["development_"] ?? [])].length > 0;
  return {
    name,
    version: one("version"),
    platform: platform === "ruby" ? undefined : platform,
    licenses: fields.get("licenses") ?? [],
    authors: fields.get("authors") ?? [],
    homepage: one("homepage"),
    // Where the kinds are told apart, those that are not are the same again, for RubyGems of long ago.
    dependencies: [...new Set(areKindsTold ? needed["runtime_"] : needed[""])],
  };
}

function literals(ruby: string): string[] {
  return [...ruby.matchAll(LITERAL)].map(([, double, single, quoted]) => (double ?? single ?? quoted ?? "").replaceAll(/\\(.)/g, "$1"));
}
