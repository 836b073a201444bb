import type { Entry } from "../archive/entry.ts";
import { FileScan, isSettingsFile, type FileSecret } from "../scrub/file-scan.ts";
import type { SecretKind } from "../scrub/secret-span.ts";
import type { Layer } from "../snapshot/layer.ts";
import { inspectPart, type FileInspection } from "../source/local-files.ts";
import type { StateDatabase } from "../store/state-database.ts";

/** To be raised whenever src/scrub finds other secrets in files: what was remembered by an older rule is then looked at again. */
export const RULE = "4";

/** Looks for secrets while a file is hashed. The answer has no blanks: `4` where there are none, `4;token@3;secret-variable@4=NPM_TOKEN`. */
export function inspectFile(path: string): FileInspection {
  const scan = new FileScan(path);
  return {
    push: (part) => scan.push(part),
    result: () => [RULE, ...scan.result().map(({ kind, line, name }) => `${kind}@${line}${name === undefined ? "" : `=${name}`}`)].join(";"),
  };
}

const KIND = "file-secrets";

/** What was said of contents, whatever file had them: each is looked at once. */
export class InspectedContents {
  readonly #database: StateDatabase;
  readonly #learnt = new Map<string, string>();

  constructor(database: StateDatabase) {
    this.#database = database;
  }

  async inspect({ layer, entry }: { readonly layer: Layer; readonly entry: Entry }, signal: AbortSignal): Promise<string> {
    const name = `${isSettingsFile(entry.path) ? "settings" : "other"} ${await layer.contentDigest(entry, signal)}`;
    const known = this.#learnt.get(name) ?? this.#database.fact(KIND, name);
    if (known !== undefined && isOfThisRule(known)) return known;
    const inspection = inspectFile(entry.path);
    for await (const chunk of layer.read(entry, signal)) await inspectPart(inspection, chunk, signal);
    const said = inspection.result();
    this.#learnt.set(name, said);
    return said;
  }

  /** In one go: of its own, each would take as long as the look. */
  save(): void {
    this.#database.saveFacts(KIND, this.#learnt);
    this.#learnt.clear();
  }
}

/** Whether an inspection found something. */
export function tellsSecrets(inspected: string): boolean {
  return inspected.includes(";");
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
