/**
 * The only way out of a network of its own, run with two arguments as the first process of that network: the path of a socket of ours, and a
 * port. Each connection to that port of its loopback is passed on to the socket; a path leads out of a network namespace where an address does not.
 */
import { writeSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { basename, dirname } from "node:path/posix";
import { raiseLoopback } from "../syscall/isolation.ts";

const [path = "", port = ""] = process.argv.slice(2);
// The path of a socket is short by law (unix(7)).
process.chdir(dirname(path));
raiseLoopback();
const server = createServer({ allowHalfOpen: true }, (inside) => {
  const outside = connect({ path: basename(path), allowHalfOpen: true });
  passOn(inside, outside);
  passOn(outside, inside);
});
server.listen(Number(port), "127.0.0.1", () => writeSync(1, "ready\n"));

function passOn(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on("error", () => to.destroy());
  // What was cut off is cut off at the other end; what ended has been passed on by then.
  from.on("close", () => (from.readableEnded ? undefined : to.destroy()));
}
