import { existsSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { runProcess, startProcess } from "../host/process.ts";
import { eventually } from "./eventually.ts";

/** For node:test: the reason to skip, or false. */
export const sshSkip: string | false = ["ssh-agent", "ssh-add", "ssh-keygen"].every((name) => (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, name))))
  ? false
  : "ssh-agent, ssh-add or ssh-keygen is not installed";

/** A real agent with one key, and that key as a file. */
export interface TestAgent extends AsyncDisposable {
  readonly directory: string;
  readonly socket: string;
  readonly keyPath: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
  /** Runs one of OpenSSH's programs against an agent: this one, or the one at `socket`. */
  run(argv: readonly [string, ...string[]], socket?: string): Promise<{ readonly exitCode: number; readonly output: string }>;
}

const never = new AbortController().signal;

export async function startTestAgent(): Promise<TestAgent> {
  const directory = await mkdtemp(join(tmpdir(), "stemma-ssh-"));
  const socket = join(directory, "socket");
  const keyPath = join(directory, "key");
  const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C" };
  const run: TestAgent["run"] = async (argv, at = socket) => {
    const { exitCode, stdout, stderr } = await runProcess({ argv, cwd: directory, env: { ...env, SSH_AUTH_SOCK: at } }, never);
    return { exitCode, output: stdout.toString("utf8") + stderr.toString("utf8") };
  };
  const agent = startProcess({ argv: ["ssh-agent", "-D", "-a", socket], env }, "ignore");
  await eventually("ssh-agent listens", async () => (await stat(socket).catch(() => undefined)) !== undefined).catch((error: unknown) => {
    agent.kill("SIGKILL");
    throw error;
  });
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test key", "-f", keyPath]);
  await run(["ssh-add", "-q", keyPath]);
  return {
    directory, socket, keyPath, run,
    fingerprint: /SHA256:\S+/.exec((await run(["ssh-keygen", "-lf", keyPath])).output)?.[0] ?? "",
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => agent.once("exit", resolve));
      agent.kill();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
