/**
 * Node's modules for what goes over the network, each loaded when something first does. Named in an `import`, `node:http` would
 * be loaded with all that it can export, a WebSocket client too: 80 ms that a build from the cache need not spend.
 */
export function nodeHttp(): typeof import("node:http") {
  return process.getBuiltinModule("node:http");
}

export function nodeHttps(): typeof import("node:https") {
  return process.getBuiltinModule("node:https");
}

export function nodeTls(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}
