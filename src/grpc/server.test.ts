import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, describe, test } from "node:test";
import { create, fromBinary, toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { ExecMessageSchema, LLBBridge, ReadFileRequestSchema, ReadFileResponseSchema, type ExecMessage } from "../proto/frontend/gateway_pb.ts";
import { StatusSchema } from "../proto/google/rpc/status_pb.ts";
import { GrpcCode, GrpcError } from "./grpc-error.ts";
import { MESSAGE_BYTES_MAX } from "./message-frames.ts";
import { serveConnection } from "./server.ts";
import { routes, type Methods } from "./service.ts";

const READ_FILE = "/moby.buildkit.v1.frontend.LLBBridge/ReadFile";
const folder = mkdtempSync(join(tmpdir(), "stemma-grpc-"));
after(() => rmSync(folder, { recursive: true, force: true }));

describe("gRPC, asked by the library that most others use", () => {
  test("an answer comes back with its bytes, however many", async () => {
    await using peer = await served({ readFile: async ({ FilePath, Range }) => ({ Data: Buffer.alloc(Number(Range?.Length ?? 0n), FilePath) }) });
    for (const length of [0, 1, 70_000, 9_000_000]) {
      const { Data } = await peer.readFile({ FilePath: "x", Range: { Offset: 0n, Length: BigInt(length) } });
      assert.deepEqual(Buffer.from(Data), Buffer.alloc(length, "x"));
    }
  });

  test("calls run side by side on one connection", async () => {
    const open = Promise.withResolvers<void>();
    await using peer = await served({
      readFile: async ({ FilePath }) => {
        if (FilePath === "first") await open.promise;
        else open.resolve();
        return { Data: Buffer.from(FilePath) };
      },
    });
    const answers = await Promise.all(["first", "second"].map(async (FilePath) => Buffer.from((await peer.readFile({ FilePath })).Data).toString()));
    assert.deepEqual(answers, ["first", "second"]);
  });

  test("a failure has its code, its text in any script, and what programs read of it", async () => {
    const detail = { typeUrl: "github.com/moby/buildkit/errdefs.Source+json", value: Buffer.from('{"info":{}}') };
    await using peer = await served({
      readFile: async ({ FilePath }) => {
        if (FilePath === "typed") throw new GrpcError(GrpcCode.notFound, "100 % weg: größer\nals sonst", [detail]);
        throw new Error("plain");
      },
    });
    const typed = await failure(peer.readFile({ FilePath: "typed" }));
    assert.deepEqual([typed.code, typed.details], [GrpcCode.notFound, "100 % weg: größer\nals sonst"]);
    const [binary] = typed.metadata.get("grpc-status-details-bin");
    assert.ok(Buffer.isBuffer(binary));
    const status = fromBinary(StatusSchema, binary);
    assert.deepEqual([status.code, status.message, status.details.map(({ typeUrl, value }) => [typeUrl, Buffer.from(value).toString()])], [5, "100 % weg: größer\nals sonst", [[detail.typeUrl, '{"info":{}}']]]);
    const plain = await failure(peer.readFile({ FilePath: "other" }));
    assert.deepEqual([plain.code, plain.details], [GrpcCode.unknown, "plain"]);
  });

});

describe("gRPC calls that end early, and streams", () => {
  test("what is not served is unimplemented", async () => {
    await using peer = await served({});
    assert.equal((await failure(peer.readFile({}))).code, GrpcCode.unimplemented);
  });

  test("a call that is cancelled, or whose time is up, aborts the work", async () => {
    const aborted: unknown[] = [];
    await using peer = await served({
      readFile: async (_, { signal }) => {
        await sleep(20_000, undefined, { signal }).catch(() => aborted.push(signal.reason));
        signal.throwIfAborted();
        return {};
      },
    });
    assert.equal((await failure(peer.readFile({}, { deadlineMs: 50 }))).code, GrpcCode.deadlineExceeded);
    const cancelled = failure(peer.readFile({}, { cancelAfterMs: 50 }));
    assert.equal((await cancelled).code, GrpcCode.cancelled);
    for (let round = 0; round < 1000 && aborted.length < 2; round++) await sleep(10);
    assert.equal(aborted.length, 2);
  });

  test("metadata that is repeated stays apart", async () => {
    const seen: Array<readonly string[]> = [];
    await using peer = await served({
      readFile: async (_, { metadata }) => {
        seen.push(metadata("followpaths"), metadata("none"));
        return {};
      },
    });
    const metadata = new Metadata();
    for (const path of ["a,b", "c"]) metadata.add("followpaths", path);
    await peer.readFile({}, { metadata });
    assert.deepEqual(seen, [["a,b", "c"], []]);
  });

  test("messages flow both ways in one call, and its end is the server's", async () => {
    await using peer = await served({
      async *execProcess(messages) {
        for await (const { ProcessID, Input } of messages) {
          if (Input.case === "File") yield { ProcessID, Input: { case: "File", value: { Fd: 1, Data: Input.value.Data } } };
          if (Input.case === "Signal") return;
        }
      },
    });
    const call = peer.stream();
    const echoed: string[] = [];
    call.on("data", ({ Input }: ExecMessage) => {
      if (Input.case === "File") echoed.push(Buffer.from(Input.value.Data).toString());
      call.write(create(ExecMessageSchema, echoed.length < 3 ? file(`${echoed.length}`) : { Input: { case: "Signal", value: { Name: "KILL" } } }));
    });
    call.write(create(ExecMessageSchema, file("start")));
    await once(call, "end");
    assert.deepEqual(echoed, ["start", "1", "2"]);
  });

  test("a message over the bound is refused, in both directions", async () => {
    await using peer = await served({ readFile: async ({ FilePath }) => ({ Data: Buffer.alloc(FilePath === "large" ? MESSAGE_BYTES_MAX : 1) }) });
    assert.equal((await failure(peer.readFile({ FilePath: "large" }))).code, GrpcCode.resourceExhausted);
    assert.equal((await failure(peer.readFile({ FilePath: "x".repeat(MESSAGE_BYTES_MAX) }))).code, GrpcCode.resourceExhausted);
    assert.equal((await peer.readFile({ FilePath: "still there" })).Data.byteLength, 1);
  });
});

interface CallOptions {
  readonly deadlineMs?: number;
  readonly cancelAfterMs?: number;
  readonly metadata?: Metadata;
}

async function served(methods: Methods<typeof LLBBridge>) {
  const path = join(folder, `${performance.now()}.sock`);
  const server = createServer((socket) => void serveConnection(socket, routes(LLBBridge, methods)));
  await listening(server, path);
  const client = new Client(`unix:${path}`, credentials.createInsecure(), { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  return {
    readFile: (request: Partial<Omit<MessageShape<typeof ReadFileRequestSchema>, "Range">> & { readonly Range?: { Offset: bigint; Length: bigint } }, { deadlineMs, cancelAfterMs, metadata = new Metadata() }: CallOptions = {}) =>
      new Promise<MessageShape<typeof ReadFileResponseSchema>>((resolve, reject) => {
        const call = client.makeUnaryRequest(READ_FILE, encoder(ReadFileRequestSchema), decoder(ReadFileResponseSchema), create(ReadFileRequestSchema, { FilePath: request.FilePath ?? "", ...(request.Range === undefined ? {} : { Range: request.Range }) }), metadata, deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs }, (error, answer) => {
          if (error === null && answer !== undefined) resolve(answer);
          else reject(error ?? new Error("no answer"));
        });
        if (cancelAfterMs !== undefined) setTimeout(() => call.cancel(), cancelAfterMs);
      }),
    stream: () => client.makeBidiStreamRequest("/moby.buildkit.v1.frontend.LLBBridge/ExecProcess", encoder(ExecMessageSchema), decoder(ExecMessageSchema)),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      client.close();
      server.close();
      await once(server, "close");
    },
  };
}

async function listening(server: Server, path: string): Promise<void> {
  server.listen(path);
  await once(server, "listening");
}

function encoder<S extends DescMessage>(schema: S): (message: MessageShape<S>) => Buffer {
  return (message) => Buffer.from(toBinary(schema, message));
}

function decoder<S extends DescMessage>(schema: S): (bytes: Buffer) => MessageShape<S> {
  return (bytes) => fromBinary(schema, bytes);
}

function file(text: string) {
  return { ProcessID: "p", Input: { case: "File", value: { Fd: 0, Data: Buffer.from(text) } } } as const;
}

async function failure(call: Promise<unknown>): Promise<ServiceError> {
  try {
    await call;
  } catch (error) {
    return error as ServiceError;
  }
  throw new assert.AssertionError({ message: "the call did not fail" });
}
