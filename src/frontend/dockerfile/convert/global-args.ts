import { formatAllPlatform, formatPlatform, type Platform } from "../../../oci/platform.ts";
import type { ArgInstruction } from "../instruction.ts";
import { processWord, type WordRules } from "../shell-lex.ts";
import type { GlobalParameter } from "./parameters.ts";
import { located } from "./conversion-error.ts";

export interface PlatformArgs {
  readonly build: Platform;
  readonly target: Platform;
  readonly targetStage: string;
}

/** The arguments that every build has, in BuildKit's order; a build argument of the name wins. */
export function predefinedArgs({ build, target, targetStage }: PlatformArgs, buildArgs: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const args = [
    ["BUILDPLATFORM", formatPlatform(build)],
    ["BUILDOS", build.os],
    ["BUILDOSVERSION", build["os.version"] ?? ""],
    ["BUILDARCH", build.architecture],
    ["BUILDVARIANT", build.variant ?? ""],
    ["TARGETPLATFORM", formatAllPlatform(target)],
    ["TARGETOS", target.os],
    ["TARGETOSVERSION", target["os.version"] ?? ""],
    ["TARGETARCH", target.architecture],
    ["TARGETVARIANT", target.variant ?? ""],
    ["TARGETSTAGE", targetStage === "" ? "default" : targetStage],
  ] as const;
  return new Map(args.map(([key, value]) => [key, buildArgs.get(key) ?? value]));
}

export interface GlobalArgs {
  readonly values: ReadonlyMap<string, string>;
  /** All names that the file declares, with a value or not. */
  readonly declared: ReadonlySet<string>;
  readonly parameters: ReadonlyMap<string, GlobalParameter>;
}

/** The values after the ARGs before the first FROM. Throws ConversionError. */
export function globalArgs(predefined: ReadonlyMap<string, string>, instructions: readonly ArgInstruction[], buildArgs: ReadonlyMap<string, string>, rules: WordRules): GlobalArgs {
  const values = new Map(predefined);
  const declared = new Set<string>();
  const parameters = new Map<string, GlobalParameter>();
  for (const { args, location } of instructions) {
    for (const { key, value, docComment } of args) {
      const expanded = buildArgs.has(key) || value === undefined ? undefined : located(location, () => processWord(value, values, rules));
      const given = buildArgs.get(key) ?? expanded?.result;
      declared.add(key);
      parameters.set(key, { name: key, description: docComment, value: given ?? "", location, needs: withTheirNeeds(expanded?.matched ?? new Set(), parameters) });
      if (given === undefined) continue;
      // A name that is set again moves to the end.
      values.delete(key);
      values.set(key, given);
    }
  }
  return { values, declared, parameters };
}

/** A name may be given a new meaning later: what the old one was made of still counts. */
function withTheirNeeds(names: ReadonlySet<string>, parameters: ReadonlyMap<string, GlobalParameter>): ReadonlySet<string> {
  return new Set([...names, ...[...names].flatMap((name) => [...(parameters.get(name)?.needs ?? [])])]);
}
