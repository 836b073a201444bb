import type { Duplex } from "node:stream";
import { answerCall } from "./call.ts";
import type { Routes } from "./service.ts";

/** HTTP/2's own default of 64 KiB would have a peer wait for us at every file that it sends. */
const WINDOW_BYTES = 8 * 1024 * 1024;

/** A connection that is being served. */
export interface ServedConnection {
  /** Resolves when the connection has ended, by whoever. */
  readonly closed: Promise<void>;
  /** Ends it, with all calls that are under way. */
  close(): void;
}

/** Serves gRPC over anything that carries bytes both ways: a socket, or the standard input and output of a process. */
export function serveConnection(connection: Duplex, routes: Routes): ServedConnection {
  // Loaded only here, for who serves nothing.
  const server = process.getBuiltinModule("node:http2").createServer({ settings: { initialWindowSize: WINDOW_BYTES } });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  connection.once("close", () => resolve());
  connection.on("error", () => connection.destroy());
  server.on("session", (session) => {
    session.setLocalWindowSize(2 * WINDOW_BYTES);
    session.on("error", () => connection.destroy());
    session.once("close", () => connection.destroy());
  });
  server.on("stream", (stream, headers, _flags, rawHeaders) => void answerCall(stream, headers, { rawHeaders, routes }));
  server.emit("connection", connection);
  return { closed, close: () => void connection.destroy() };
}
