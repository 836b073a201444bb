/** LLBBridge as a frontend in a container calls it, by the library that most of the world uses. */
import { createServer } from "node:net";
import { once } from "node:events";
import { create, fromBinary, toBinary, type DescMessage, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { ExecMessageSchema, LLBBridge, type ExecMessage } from "../../../src/proto/frontend/gateway_pb.ts";

const SOCKET = "/tmp/bridge.sock";

export interface BridgeClient {
  call<I extends DescMessage, O extends DescMessage>(method: DescMethodUnary<I, O>, request: MessageInitShape<I>): Promise<MessageShape<O>>;
  /** One call of ExecProcess. Rejects, when it is waited for, with the call's failure. */
  exec(onMessage: (message: ExecMessage) => void): ExecCall;
  close(): void;
}

export interface ExecCall {
  send(message: MessageInitShape<typeof ExecMessageSchema>): void;
  end(): void;
  cancel(): void;
  readonly over: Promise<void>;
}

/** The library dials sockets only, so one stands between it and our standard input and output. */
export async function connectBridge(): Promise<BridgeClient> {
  const server = createServer((socket) => {
    socket.pipe(process.stdout);
    process.stdin.pipe(socket);
  });
  server.listen(SOCKET);
  await once(server, "listening");
  const client = new Client(`unix:${SOCKET}`, credentials.createInsecure(), { "grpc.default_authority": "localhost" });
  return {
    call: (method, request) =>
      new Promise((resolve, reject) => {
        const encode = (message: MessageShape<typeof method.input>): Buffer => Buffer.from(toBinary(method.input, message));
        const decode = (bytes: Buffer): MessageShape<typeof method.output> => fromBinary(method.output, bytes);
        client.makeUnaryRequest(`/${LLBBridge.typeName}/${method.name}`, encode, decode, create(method.input, request), (error, answer) => {
          if (error === null && answer !== undefined) resolve(answer);
          else reject(error ?? new Error("no answer"));
        });
      }),
    exec(onMessage) {
      const encode = (message: ExecMessage): Buffer => Buffer.from(toBinary(ExecMessageSchema, message));
      const stream = client.makeBidiStreamRequest(`/${LLBBridge.typeName}/ExecProcess`, encode, (bytes) => fromBinary(ExecMessageSchema, bytes));
      const over = new Promise<void>((resolve, reject) => stream.on("error", reject).once("end", resolve));
      over.catch(() => undefined); // Whoever waits for it looks.
      stream.on("data", onMessage);
      return { over, send: (message) => void stream.write(create(ExecMessageSchema, message)), end: () => void stream.end(), cancel: () => stream.cancel() };
    },
    close() {
      client.close();
      server.close();
      process.stdin.destroy();
    },
  };
}
