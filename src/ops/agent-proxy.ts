import { chmod, open, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";

/** Messages of the ssh agent protocol (draft-ietf-sshm-ssh-agent, §6.1). */
const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const SIGN_REQUEST = 13;

/** What a step may ask an agent. It can use keys, but neither see, add nor remove them, nor lock the agent. */
const ALLOWED: ReadonlySet<number> = new Set([REQUEST_IDENTITIES, SIGN_REQUEST]);

/** OpenSSH's own bound on a message. */
const MESSAGE_BYTES_MAX = 256 * 1024;

export interface AgentProxy extends AsyncDisposable {
  /** The socket that listens. */
  readonly path: string;
}

/** Listens in `directory` and passes on to the agent at `upstream` what a step may ask. */
export async function openAgentProxy(upstream: string, directory: string, name: string): Promise<AgentProxy> {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    serve(client, upstream);
  });
  // A socket's path is short by law (unix(7)): through the open directory it always is.
  const handle = await open(directory, "r");
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(`/proc/self/fd/${handle.fd}/${name}`, resolve);
    });
  } finally {
    await handle.close();
  }
  const path = join(directory, name);
  await chmod(path, 0o600);
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    },
  };
}

function serve(client: Socket, upstream: string): void {
  const agent = connect(upstream);
  for (const [socket, other] of [[client, agent], [agent, client]] as const) {
    // Either end may go when it likes; the other one is told by the end of its stream.
    socket.on("error", () => other.destroy());
    socket.on("close", () => other.destroy());
  }
  agent.pipe(client, { end: false });
  let pending = Buffer.alloc(0);
  client.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.byteLength >= 4) {
      const length = pending.readUInt32BE(0);
      if (length === 0 || length > MESSAGE_BYTES_MAX) return void client.destroy();
      if (pending.byteLength < 4 + length) return;
      const message = pending.subarray(0, 4 + length);
      pending = pending.subarray(4 + length);
      if (ALLOWED.has(message.readUInt8(4))) agent.write(message);
      else client.write(Buffer.from([0, 0, 0, 1, FAILURE]));
    }
  });
}
