import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createConnection, createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { runProcess, startProcess } from "../host/process.ts";
import { eventually } from "./eventually.ts";

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
  const port = await freePort();
  await copyFile(publicKeyPath, authorized);
  // Where sshd separates privileges; the system's own start would make it.
  await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  await writeFile(config, `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${hostKey}\nAuthorizedKeysFile ${authorized}\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n`);
  const start = async (): Promise<() => Promise<void>> => {
    await rm(hostKey, { force: true });
    await runProcess({ argv: ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostKey], env: { PATH: process.env["PATH"] ?? "" } }, new AbortController().signal);
    const server = startProcess({ argv: [SSHD, "-D", "-e", "-f", config], env: { PATH: process.env["PATH"] ?? "" } }, "ignore");
    const ended = once(server, "close");
    await eventually("sshd answers", async () => {
      if (server.exitCode !== null) throw new Error(`sshd did not start: exit code ${server.exitCode}`);
      return await answers(port);
    }).catch((error: unknown) => {
      server.kill("SIGKILL");
      throw error;
    });
    return async () => {
      server.kill();
      await ended;
    };
  };
  let stop = await start();
  return {
    user: userInfo().username,
    port,
    async changeHostKey() {
      await stop();
      stop = await start();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  // A TCP server's address is no text.
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false; // Not yet.
  } finally {
    socket.destroy();
  }
}
