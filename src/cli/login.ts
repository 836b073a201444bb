import { parseArgs } from "node:util";
import { hiddenBy, loadRegistryConfig, storeLogin, verifyLogin } from "../doors/registry.ts";
import { readAll } from "../host/read-all.ts";
import type { Command, CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { askHidden } from "./hidden-prompt.ts";
import { registryHost } from "./registry-host.ts";
import { standardInput } from "./standard-input.ts";
import { UsageError } from "./usage-error.ts";

export const command: Command = {
  name: "login",
  summary: "store the credentials of a registry",
  usage: `Usage: stemma login [-u USER] [--password-stdin] [REGISTRY]

Asks the registry whether it knows the user, then stores the credentials where Docker and stemma look for them:
in the credential helper that Docker's config.json names, else in that file. REGISTRY is docker.io where left out.

  -u, --username USER    the user's name
      --password-stdin   take the password, or token, from standard input; without it the terminal asks`,
  async run(args, io) {
    const { username, passwordStdin, registry } = parseLoginFlags(args);
    const password = await readPassword({ username, passwordStdin, registry }, io);
    await login({ host: registry, username, password }, io);
    return EXIT.ok;
  },
};

export interface Login {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** Stores nothing that the registry does not accept. */
export async function login({ host, username, password }: Login, io: CommandIo): Promise<void> {
  const request = { host, credential: { kind: "basic", username, password }, config: await loadRegistryConfig(io.env), env: io.env } as const;
  await verifyLogin(request, io.signal);
  const { place, isPlainText } = await storeLogin(request, io.signal);
  io.stdout(`${host}: logged in as ${username}; stored in ${place}\n`);
  if (isPlainText) io.stderr(`WARNING: ${place} holds the password readable to whoever may read the file; a credential helper ("credsStore" in it) would not\n`);
  const hidden = hiddenBy(io.env);
  if (hidden !== undefined) io.stderr(`WARNING: ${hidden} is set, and what it says of ${host} is used before this login\n`);
}

interface LoginFlags {
  readonly username: string;
  readonly passwordStdin: boolean;
  readonly registry: string;
}

function parseLoginFlags(args: readonly string[]): LoginFlags {
  const { values, positionals } = parse(args);
  const [registry, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`login takes one registry, not ${positionals.length}`);
  if (!values.username) throw new UsageError("login needs a user: -u USER");
  return { username: values.username, passwordStdin: values["password-stdin"] === true, registry: registryHost(registry) };
}

function parse(args: readonly string[]): { readonly values: { readonly username?: string; readonly "password-stdin"?: boolean }; readonly positionals: readonly string[] } {
  try {
    const options = { username: { type: "string", short: "u" }, "password-stdin": { type: "boolean" } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`login: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readPassword({ username, passwordStdin, registry }: LoginFlags, io: CommandIo): Promise<string> {
  if (!passwordStdin && !process.stdin.isTTY) throw new UsageError("login needs a password: a terminal to ask at, or --password-stdin");
  const password = passwordStdin
    ? Buffer.from(await readAll(standardInput(io))).toString("utf8").replace(/\r?\n$/, "")
    : await askHidden(`password of ${username} at ${registry}: `, process.stdin, io.signal);
  if (password === "") throw new UsageError("the password is empty");
  return password;
}
