import { ArchiveError } from "../archive/archive-error.ts";
import { decompress, withinExpansion } from "../archive/decompress.ts";
import { EXPANSION_LIMIT } from "../archive/limits.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { startProcess } from "../host/process.ts";
import { OperationError } from "./operation-error.ts";

/** What Node cannot decompress itself, by the first bytes of a file, with the program that can. */
const PROGRAMS: ReadonlyArray<{ readonly name: "bzip2" | "xz"; readonly magic: readonly number[] }> = [
  { name: "bzip2", magic: [0x42, 0x5a, 0x68] },
  { name: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
];

/**
 * A file's bytes decompressed by what they are: gzip and zstd here, bzip2 and xz by the program of that name.
 * Throws ArchiveError for damaged bytes and for what grows beyond all measure, OperationError "unsupported" where the program is missing.
 */
export async function* decompressFile(read: () => ByteStream, signal: AbortSignal): ByteStream {
  const start = await firstBytes(read());
  const program = PROGRAMS.find(({ magic }) => magic.every((byte, i) => start[i] === byte));
  if (program === undefined) yield* decompress(read());
  else yield* withinExpansion(read(), (bytes) => throughProgram(bytes, program.name, signal), EXPANSION_LIMIT);
}

async function firstBytes(bytes: ByteStream): Promise<Uint8Array> {
  for await (const chunk of bytes) {
    if (chunk.byteLength > 0) return chunk;
  }
  return new Uint8Array();
}

async function* throughProgram(bytes: ByteStream, name: "bzip2" | "xz", signal: AbortSignal): ByteStream {
  // With no PATH the C library's default is searched: /bin and /usr/bin.
  const child = startProcess({ argv: [name, "-d", "-c", "-q"], env: {} }, ["pipe", "pipe", "ignore"]);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new RangeError("no pipes");
  const ended = new Promise<number | NodeJS.ErrnoException>((resolve) => {
    child.once("error", resolve);
    child.once("close", (code) => resolve(code ?? 1));
  });
  const source: { error?: unknown } = {};
  // A program that stops reading early says why by its exit status, not by EPIPE.
  stdin.on("error", () => undefined);
  const fed = feed(bytes, stdin).catch((error: unknown) => {
    source.error = error;
    child.kill("SIGKILL");
  });
  try {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      yield chunk;
    }
    const result = await ended;
    if ("error" in source) throw source.error;
    if (typeof result !== "number") throw new OperationError("unsupported", `the ${name} program is needed to unpack this archive and cannot be started: ${result.message}`);
    if (result !== 0) throw new ArchiveError("corrupt", `damaged ${name} data`);
  } finally {
    child.kill("SIGKILL");
    await ended;
    stdin.destroy();
    await fed;
  }
}

async function feed(bytes: ByteStream, stdin: NodeJS.WritableStream): Promise<void> {
  for await (const chunk of bytes) {
    if (!stdin.writable) return;
    if (stdin.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      stdin.once("drain", resolve);
      stdin.once("close", resolve);
    });
  }
  stdin.end();
}
