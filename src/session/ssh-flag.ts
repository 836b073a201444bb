import { closeSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Environment } from "../host/environment.ts";
import { SessionError, systemReason } from "./session-error.ts";

/** Nobody writes more than that before a key. */
const BEGINNING_BYTES = 16 * 1024;

/** Where the keys of an ssh agent are. */
export type AgentSource =
  /** An agent that runs already listens here. */
  | { readonly kind: "socket"; readonly path: string }
  /** Private keys, for an agent of the build's own. */
  | { readonly kind: "keys"; readonly paths: readonly string[] };

export interface NamedAgent {
  readonly id: string;
  readonly source: AgentSource;
}

export interface AgentPlace {
  /** What relative paths are relative to. */
  readonly directory: string | undefined;
  /** SSH_AUTH_SOCK is the agent of who names none. */
  readonly env: Environment;
}

const DEFAULT_ID = "default";

/** Agents as `--ssh` names them, each id once; a flag that says nothing is none. Throws SessionError in BuildKit's words. */
export function parseAgents(texts: readonly string[], place: AgentPlace): readonly NamedAgent[] {
  const agents: NamedAgent[] = [];
  for (const text of texts.filter((each) => each !== "")) {
    const agent = parseAgent(text, place);
    if (agents.some(({ id }) => id === agent.id)) throw new SessionError("usage", `duplicate agent ID ${JSON.stringify(agent.id)}: give each --ssh an id of its own, ID=PATH`);
    agents.push(agent);
  }
  return agents;
}

/** An agent as `--ssh` names it: `default`, or `ID=SOCKET` or `ID=KEY,KEY`; without an id it is the default, without a path the one of the environment. Throws SessionError in BuildKit's words. */
export function parseAgent(text: string, { directory, env }: AgentPlace): NamedAgent {
  const equals = text.indexOf("=");
  const id = (equals === -1 ? text : text.slice(0, equals)) || DEFAULT_ID;
  const given = equals === -1 ? "" : text.slice(equals + 1);
  if (given === "") {
    const path = env["SSH_AUTH_SOCK"] ?? "";
    const config = { id, given: [] };
    if (path === "") throw notConverted(config, "usage", "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
    return { id, source: sourceOf(config, [path], "/") };
  }
  const paths = given.split(",");
  if (paths.includes("") || (directory === undefined && paths.some((path) => !path.startsWith("/")))) throw new SessionError("usage", `--ssh ${text}: paths of a socket or of private keys are needed`);
  return { id, source: sourceOf({ id, given: paths }, paths, directory ?? "/") };
}

/** An agent as the flag has it. */
interface AgentConfig {
  readonly id: string;
  readonly given: readonly string[];
}

function notConverted({ id, given }: AgentConfig, code: SessionError["code"], why: string, cause?: unknown): SessionError {
  return new SessionError(code, `failed to convert agent config {${id} [${given.join(" ")}] false}: ${why}`, { cause });
}

/** One after the other, as BuildKit looks at them: what is wrong with a later one is not told. */
function sourceOf(config: AgentConfig, names: readonly string[], directory: string): AgentSource {
  const failed = (code: SessionError["code"], why: string, cause?: unknown): SessionError => notConverted(config, code, `failed to convert agent config for ID: ${JSON.stringify(config.id)}: ${why}`, cause);
  const keys: string[] = [];
  let socket: string | undefined;
  for (const name of names) {
    if (socket !== undefined) throw failed("usage", `only single socket allowed${name.startsWith("raw=") ? `: ${name} is a word of buildctl's, which buildx does not know either: leave it out` : ""}`);
    const path = resolve(directory, name);
    try {
      const stats = statSync(path);
      if (stats.isSocket()) {
        socket = path;
        continue;
      }
      // What comes through a pipe can be read once, and that is for who uses the key.
      const problem = stats.isFIFO() ? undefined : problemOf(beginningOf(path));
      if (problem !== undefined) throw failed("unreadable", `failed to parse ${name}: ${problem}`);
      keys.push(path);
    } catch (error) {
      if (error instanceof SessionError) throw error;
      const { syscall = "" } = error as NodeJS.ErrnoException;
      throw failed("unreadable", `${syscall === "read" ? `failed to read ${name}: ` : ""}${syscall} ${name}: ${systemReason(error)}`, error);
    }
  }
  if (socket === undefined) return { kind: "keys", paths: keys };
  if (keys.length > 0) throw failed("usage", "invalid combination of keys and sockets");
  return { kind: "socket", path: socket };
}

function problemOf(beginning: string): string | undefined {
  if (!beginning.includes("-----BEGIN ")) return "ssh: no key found: give a private key, or the socket of an agent";
  return isLocked(beginning) ? "ssh: this private key is passphrase protected: add it to an agent, and give that agent's socket" : undefined;
}

/** PEM of old says so in its headers, PKCS #8 in its label, and OpenSSH's own form (PROTOCOL.key) by naming a cipher. */
function isLocked(beginning: string): boolean {
  const [, own] = /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]*)/.exec(beginning) ?? [];
  if (own === undefined) return /^Proc-Type: 4,ENCRYPTED|-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(beginning);
  const bytes = Buffer.from(own, "base64");
  const magic = "openssh-key-v1\0";
  return bytes.subarray(0, magic.length).toString("latin1") === magic && bytes.subarray(magic.length + 4, magic.length + 8).toString("latin1") !== "none";
}

/** So much that any key in PEM (RFC 7468) has begun. */
function beginningOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(BEGINNING_BYTES);
    return buffer.toString("latin1", 0, readSync(file, buffer, 0, buffer.byteLength, 0));
  } finally {
    closeSync(file);
  }
}
