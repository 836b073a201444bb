import { FileScan, type FileSecret } from "../scrub/file-scan.ts";
import type { SecretKind } from "../scrub/secret-span.ts";
import type { FileInspection } from "../source/local-layer.ts";

/** To be raised whenever src/scrub finds other secrets in files: what was remembered by an older rule is then looked at again. */
const RULE = "3";

/** Looks for secrets while a file is hashed. The answer has no blanks: `3` where there are none, `3;token@3;secret-variable@4=NPM_TOKEN`. */
export function inspectFile(path: string): FileInspection {
  const scan = new FileScan(path);
  return {
    push: (part) => scan.push(part),
    result: () => [RULE, ...scan.result().map(({ kind, line, name }) => `${kind}@${line}${name === undefined ? "" : `=${name}`}`)].join(";"),
  };
}

export function isOfThisRule(inspected: string): boolean {
  return inspected.split(";", 1)[0] === RULE;
}

/** What an inspection said. */
export function readInspection(inspected: string): readonly FileSecret[] {
  return inspected.split(";").slice(1).map((said) => {
    const [, kind = "", line = "", name] = /^([^@]*)@(\d+)(?:=(.*))?$/.exec(said) ?? [];
    // Written above.
    return { kind: kind as SecretKind, line: Number(line), name };
  });
}
