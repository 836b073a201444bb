import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { evaluatePolicy, goJson, showInput, type PolicyQuery } from "../doors/policy.ts";
import { readAll } from "../host/read-all.ts";
import { onlyArgument, parseCommandLine } from "./command-line.ts";
import type { Command, CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { standardInput } from "./standard-input.ts";
import { stateRoot } from "./state-root.ts";
import { UsageError } from "./usage-error.ts";
import { ROOT_HELP, ROOT_OPTION } from "./with-history.ts";

const NAME = "policy eval";
const OPTIONS = {
  ...ROOT_OPTION,
  file: { type: "string", short: "f", default: "Dockerfile" }, filename: { type: "string" },
  print: { type: "boolean", default: false }, fields: { type: "string", multiple: true }, platform: { type: "string" }, debug: { type: "boolean", short: "D", default: false },
} as const;

export const command: Command = {
  name: NAME,
  summary: "ask a policy about one source, or show what it would see of it",
  usage: `Usage: stemma policy eval [flags] SOURCE

Asks NAME.rego about a source as a build would, and prints nothing if it is allowed. SOURCE is docker-image://NAME,
git://HOST/PATH, the address of a repository or of a file of the web, or a path.

  -f, --file NAME      the policy without .rego (default Dockerfile); - reads it from standard input
      --print          show the input that a policy has for the source, as JSON, and ask none
      --fields FIELDS  with --print: members to look up, such as image.labels,image.provenance; may be repeated
      --platform P     of images, such as linux/arm64 (default: this machine's)
  -D, --debug          tell on standard error what the policy prints, and what was looked up
${ROOT_HELP}

The status is 1 where the policy denies the source. docs/policy.md tells more.`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    const query: PolicyQuery = {
      source: onlyArgument(NAME, "source", positionals),
      platform: values.platform,
      root: stateRoot(values.root, io), env: io.env, workingDirectory: io.cwd, signal: io.signal,
      tell: (message) => (values.debug ? io.stderr(`${message}\n`) : undefined),
    };
    if (!values.print) {
      await evaluatePolicy(query, await readPolicy(values.filename ?? values.file, io));
      return EXIT.ok;
    }
    const { input, invalid, unresolved } = await showInput(query, (values.fields ?? []).flatMap((list) => list.split(",")).map((field) => field.trim().replace(/^input\./, "")).filter((field) => field !== ""));
    if (invalid.length > 0) io.stderr(`WARNING: invalid fields: ${invalid.join(", ")}\n`);
    if (unresolved.length > 0) io.stderr(`INFO: unresolved fields: ${unresolved.join(", ")}\n`);
    io.stdout(`${goJson(input, "  ")}\n`);
    return EXIT.ok;
  },
};

async function readPolicy(file: string, io: CommandIo): Promise<{ readonly name: string; readonly text: string }> {
  if (file === "") throw new UsageError("filename is required");
  if (file === "-") return { name: "stdin", text: Buffer.from(await readAll(standardInput(io))).toString("utf8") };
  const name = `${file}.rego`;
  try {
    return { name: basename(name), text: await readFile(resolve(io.cwd, name), "utf8") };
  } catch (error) {
    throw new PolicyFileError(`failed to read policy file ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

class PolicyFileError extends Error {
  override readonly name = "PolicyFileError";
  readonly code = "missing-input";
  readonly retryable = false;
}
