import { create, fromBinary, toBinary, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { once } from "node:events";
import { StatusSchema } from "../proto/google/rpc/status_pb.ts";
import { asGrpcError, GrpcCode, GrpcError } from "./grpc-error.ts";
import { framed, unframed } from "./message-frames.ts";
import type { CallContext, RoutedMethod, Routes } from "./service.ts";

/** One call on a connection, from its head to its status. Never rejects: what goes wrong is the call's status. */
export async function answerCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, { rawHeaders, routes }: { readonly rawHeaders: readonly string[]; readonly routes: Routes }): Promise<void> {
  const cancel = new AbortController();
  stream.once("close", () => cancel.abort(new GrpcError(GrpcCode.cancelled, "the call was cancelled")));
  stream.on("error", () => undefined); // `close` follows, and says the same.
  const deadline = deadlineSignal(headers["grpc-timeout"]);
  const signal = deadline === undefined ? cancel.signal : AbortSignal.any([cancel.signal, deadline]);
  let status: GrpcError | undefined;
  try {
    const method = routes.get(headers[":path"] ?? "");
    if (method === undefined) throw new GrpcError(GrpcCode.unimplemented, `unknown method ${headers[":path"] ?? ""}`);
    const context: CallContext = { signal, metadata: (name) => valuesOf(rawHeaders, name) };
    await respond(stream, method, { context, encoding: String(headers["grpc-encoding"] ?? "identity") });
  } catch (error) {
    status = deadline?.aborted === true ? new GrpcError(GrpcCode.deadlineExceeded, "context deadline exceeded", [], { cause: error }) : asGrpcError(error);
  }
  if (!stream.destroyed) end(stream, status);
}

async function respond(stream: ServerHttp2Stream, { description, handler }: RoutedMethod, { context, encoding }: { readonly context: CallContext; readonly encoding: string }): Promise<void> {
  // A stream that is read by `for await` must stay open for the answer.
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  const requests = decoded(unframed(chunks, encoding), description.input);
  if (description.methodKind === "unary") {
    const answer = await (handler as Unary)(await only(requests), context);
    context.signal.throwIfAborted();
    return await send(stream, description.output, answer);
  }
  for await (const answer of (handler as Streaming)(requests, context)) await send(stream, description.output, answer);
}

type Unary = (request: MessageShape<DescMessage>, context: CallContext) => Promise<MessageInitShape<DescMessage>>;
type Streaming = (requests: AsyncIterable<MessageShape<DescMessage>>, context: CallContext) => AsyncIterable<MessageInitShape<DescMessage>>;

async function* decoded(messages: AsyncIterable<Uint8Array>, schema: DescMessage): AsyncIterable<MessageShape<DescMessage>> {
  for await (const bytes of messages) {
    try {
      yield fromBinary(schema, bytes);
    } catch (error) {
      throw new GrpcError(GrpcCode.internal, `not a ${schema.typeName}: ${error instanceof Error ? error.message : String(error)}`, [], { cause: error });
    }
  }
}

async function only<T>(messages: AsyncIterable<T>): Promise<T> {
  for await (const message of messages) return message;
  throw new GrpcError(GrpcCode.internal, "the call has no message");
}

async function send(stream: ServerHttp2Stream, schema: DescMessage, answer: MessageInitShape<DescMessage>): Promise<void> {
  const [prefix, message] = framed(toBinary(schema, create(schema, answer)));
  if (stream.destroyed) throw new GrpcError(GrpcCode.cancelled, "the call was cancelled");
  begin(stream);
  stream.cork();
  stream.write(prefix);
  const hasRoom = stream.write(message);
  stream.uncork();
  if (!hasRoom) await Promise.race([once(stream, "drain"), once(stream, "close")]);
}

function begin(stream: ServerHttp2Stream): void {
  if (!stream.headersSent) stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
}

function end(stream: ServerHttp2Stream, error: GrpcError | undefined): void {
  const trailers = statusHeaders(error);
  if (!stream.headersSent) {
    // A status alone needs no body; an answer that never came does.
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
  } else {
    stream.once("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end();
  }
  // What the caller still sends is for nobody, and must not wait for room.
  stream.resume();
}

function statusHeaders(error: GrpcError | undefined): Record<string, string> {
  if (error === undefined) return { "grpc-status": "0" };
  const { code, message, details } = error;
  const status = { code, message, details: details.map(({ typeUrl, value }) => ({ typeUrl, value })) };
  const binary = details.length === 0 ? {} : { "grpc-status-details-bin": Buffer.from(toBinary(StatusSchema, create(StatusSchema, status))).toString("base64").replace(/=+$/, "") };
  return { "grpc-status": String(code), "grpc-message": percentEncoded(message), ...binary };
}

/** Bytes outside of printable ASCII, and the percent sign (gRPC over HTTP/2, "Status-Message"). */
function percentEncoded(text: string): string {
  return Array.from(Buffer.from(text, "utf8"), (byte) => (byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)).join("");
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

function deadlineSignal(header: string | string[] | undefined): AbortSignal | undefined {
  const [, amount, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(typeof header === "string" ? header : "") ?? [];
  const unitMs = UNIT_MS[unit];
  return amount === undefined || unitMs === undefined ? undefined : AbortSignal.timeout(Math.ceil(Number(amount) * unitMs));
}

/** Only the raw list keeps repeats apart. */
function valuesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.flatMap((key, i) => (i % 2 === 0 && key.toLowerCase() === name ? [rawHeaders[i + 1] ?? ""] : []));
}
