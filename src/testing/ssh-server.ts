import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { runProcess, startProcess, type RunningProcess } from "../host/process.ts";
import { comesToListen, startOnOwnPort } from "./own-port.ts";

const SSHD = "/usr/sbin/sshd";

/** For node:test: the reason to skip, or false. */
export const sshServerSkip: string | false = !existsSync(SSHD) ? "sshd is not installed" : process.geteuid?.() !== 0 ? "sshd lets in who is root here" : false;

/** A real server on this machine, which lets in whoever has the key. */
export interface SshServer extends AsyncDisposable {
  readonly user: string;
  readonly port: number;
  /** Gives it another host key, as somebody in between would have. */
  changeHostKey(): Promise<void>;
}

export async function startSshServer(publicKeyPath: string): Promise<SshServer> {
  const directory = await mkdtemp(join(tmpdir(), "stemma-sshd-"));
  const authorized = join(directory, "authorized_keys");
  const hostKey = join(directory, "host_key");
  const config = join(directory, "sshd_config");
  const env = { PATH: process.env["PATH"] ?? "" };
  await copyFile(publicKeyPath, authorized);
  // Where sshd separates privileges; the system's own start would make it.
  await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const start = async (port: number): Promise<RunningProcess> => {
    await rm(hostKey, { force: true });
    await runProcess({ argv: ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostKey], env }, new AbortController().signal);
    await writeFile(config, `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${hostKey}\nAuthorizedKeysFile ${authorized}\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n`);
    return startProcess({ argv: [SSHD, "-D", "-e", "-f", config], env }, "ignore");
  };
  const { child, port } = await startOnOwnPort(start);
  let server = child;
  return {
    user: userInfo().username,
    port,
    async changeHostKey() {
      await stop(server);
      server = await start(port);
      if (!(await comesToListen(server, port))) throw new Error(`sshd did not start again: exit code ${server.exitCode}`);
    },
    async [Symbol.asyncDispose]() {
      await stop(server);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function stop(server: RunningProcess): Promise<void> {
  const ended = once(server, "close");
  server.kill();
  await ended;
}
