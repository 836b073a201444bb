import { readFileSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  adviceRuleOf, adviceRules, contextFiles, DockerfileError, mendDockerfile, adviseDockerfile, parseDockerfile, pinnableBases,
  type AdviceFinding, type AdviceOptions, type AdviceRule, type ContextFiles,
} from "../doors/check.ts";
import { defaultCredentials, loadRegistryConfig, openRegistryClient, parseReference, tagNameOnly } from "../doors/registry.ts";
import { readAll } from "../host/read-all.ts";
import type { Command, CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { standardInput } from "./standard-input.ts";
import { UsageError } from "./usage-error.ts";

export const command: Command = {
  name: "check",
  summary: "tell what of a Dockerfile makes builds hard to repeat or to trust, and mend it",
  usage: `Usage: stemma check [flags] [CONTEXT]

Shows findings of our own about a Dockerfile: what BuildKit's rules do not look at. BuildKit's own findings are not
among them. docs/rules/ has a page for each rule. Nothing is built, and but for --pin nothing touches the network.

  -f, --file FILE      Dockerfile, or - to read it from standard input (default CONTEXT/Dockerfile)
      --fix            edit the file where a change is certain to keep its meaning; all else stays as it was
      --pin            with --fix: ask registries for the digests of base images, and add them
      --skip RULE      leave a rule out; may be given more than once, or as a list with commas
      --format FORMAT  text (the default) or json

In the Dockerfile, \`# stemma: skip=RULE\` leaves a rule out for the instruction below, before the first instruction
for the whole file. CONTEXT (default .) is looked at for lock files.
Rules: ${adviceRules().join(", ")}
The status is 0 if there are no findings (left), 1 if there are, 65 if the Dockerfile does not parse.`,
  async run(args, io) {
    const { values, context = "." } = parse(args);
    const place = resolve(io.cwd, context);
    const file = values.file === "-" ? undefined : resolve(io.cwd, values.file ?? join(place, "Dockerfile"));
    if (values.fix === true && file === undefined) throw new UsageError("check --fix edits a file: give one with -f");
    if (values.pin === true && values.fix !== true) throw new UsageError("check --pin goes with --fix");
    const bytes = file === undefined ? await readAll(standardInput(io)) : await readDockerfile(file);
    const name = file === undefined ? "Dockerfile" : relative(io.cwd, file);
    return await whereItParses(name, async () => {
      const options: AdviceOptions = { skip: skipped(values.skip ?? []), ...contextAt(place, file), ...(values.pin === true ? { pins: await findPins(bytes, io) } : {}) };
      if (values.fix !== true || file === undefined) return show({ name, findings: adviseDockerfile(bytes, options), mended: [] }, values.format, io);
      const { bytes: after, findings, mended } = mendDockerfile(bytes, options);
      if (mended.length > 0) await writeFile(file, after);
      return show({ name, findings, mended }, values.format, io);
    });
  },
};

const OPTIONS = {
  file: { type: "string", short: "f" },
  fix: { type: "boolean" },
  pin: { type: "boolean" },
  skip: { type: "string", multiple: true },
  format: { type: "string" },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

function parse(args: readonly string[]): { readonly values: Values; readonly context: string | undefined } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    const [context, ...more] = positionals;
    if (more.length > 0) throw new UsageError(`takes one context, not ${positionals.length}`);
    const { format = "text" } = values;
    if (format !== "text" && format !== "json") throw new UsageError(`--format=${format}: use text or json`);
    return { values, context };
  } catch (error) {
    throw new UsageError(`check: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function skipped(lists: readonly string[]): ReadonlySet<AdviceRule> {
  const names = lists.flatMap((list) => list.split(",")).map((name) => name.trim());
  return new Set(names.map((name) => {
    const rule = adviceRuleOf(name);
    if (rule === undefined) throw new UsageError(`--skip=${name}: there is ${adviceRules().join(", ")}`);
    return rule;
  }));
}

/** The context's files as the build would see them: by the ignore file of the Dockerfile, else by the context's. */
function contextAt(place: string, file: string | undefined): { readonly context?: ContextFiles } {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) throw new CheckInputError("missing-input", `${place}: there is no such directory; the context of a check is one`);
  const ignoreFile = (file === undefined ? undefined : readText(`${file}.dockerignore`)) ?? readText(join(place, ".dockerignore"));
  return { context: contextFiles((path) => readText(join(place, path)), ignoreFile) };
}

/** Manifests and lock files are text that tools write; beyond this it is none. */
const TEXT_BYTES_MAX = 64 * 1024 * 1024;

function readText(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size <= TEXT_BYTES_MAX ? readFileSync(path, "utf8") : undefined;
}

async function findPins(bytes: Uint8Array, { env, signal }: CommandIo): Promise<ReadonlyMap<string, string>> {
  await using client = openRegistryClient({ credentials: defaultCredentials(env), config: await loadRegistryConfig(env), env });
  const pins = new Map<string, string>();
  for (const name of pinnableBases(parseDockerfile(bytes))) {
    const { domain, path, tag = "latest" } = tagNameOnly(parseReference(name));
    const found = await client.repository({ domain, path }, "pull").resolve(tag, signal);
    if (found !== undefined) pins.set(name, found.digest);
  }
  return pins;
}

interface Shown {
  readonly name: string;
  readonly findings: readonly AdviceFinding[];
  readonly mended: readonly AdviceFinding[];
}

function show({ name, findings, mended }: Shown, format: string | undefined, { stdout, stderr }: CommandIo): number {
  const status = findings.length === 0 ? EXIT.ok : EXIT.other;
  if (format === "json") {
    stdout(`${JSON.stringify({ file: name, findings: findings.map(shownFinding), mended: mended.map(shownFinding) }, undefined, 2)}\n`);
    return status;
  }
  for (const { rule, message, startLine } of mended) stderr(`${name}:${startLine}: mended: ${rule}: ${message}\n`);
  for (const { rule, message, advice, page, startLine, edits } of findings) {
    stdout(`${name}:${startLine}: ${rule}: ${message}\n    ${advice}${edits === undefined ? "" : " `--fix` does it."}\n    ${page}\n`);
  }
  if (findings.length === 0) stdout(`${name}: no findings of ours; BuildKit's rules are not part of this check\n`);
  return status;
}

function shownFinding({ edits, ...finding }: AdviceFinding): object {
  return { ...finding, ...(edits === undefined ? {} : { edits }) };
}

async function readDockerfile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "EISDIR" || error.code === "ENOTDIR"))) throw error;
    throw new CheckInputError("missing-input", `${path}: there is no such Dockerfile`);
  }
}

/** What does not parse has no findings: the status and the place say so. */
async function whereItParses(name: string, use: () => Promise<number>): Promise<number> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof DockerfileError) throw new CheckInputError("dockerfile", `${name}:${error.locations[0]?.[0]?.start.line ?? 1}: ${error.message}`);
    throw error;
  }
}

class CheckInputError extends Error {
  override readonly name = "CheckInputError";
  readonly code: "dockerfile" | "missing-input";
  readonly retryable = false;

  constructor(code: CheckInputError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
