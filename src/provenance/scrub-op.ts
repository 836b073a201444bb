import type { ExecOp, FileAction, Op, ProxyEnv, SourceOp } from "../llb/op.ts";
import type { Scrubber } from "../scrub/scrubber.ts";

/** Ids of this one run, which differ each time and mean nothing later (anchor B3). */
const RUN_ATTRIBUTES: ReadonlySet<string> = new Set(["local.session", "local.unique"]);

/** The op as it may be published. The op itself is left as it is: its bytes are its identity. */
export function scrubOp(op: Op, place: string, scrubber: Scrubber): Op {
  switch (op.op.case) {
    case "source":
      return { ...op, op: { case: "source", value: scrubSource(op.op.value, place, scrubber) } };
    case "exec":
      return { ...op, op: { case: "exec", value: scrubExec(op.op.value, place, scrubber) } };
    case "file":
      return { ...op, op: { case: "file", value: { ...op.op.value, actions: op.op.value.actions.map((action) => scrubAction(action, place, scrubber)) } } };
    case "build":
    case "merge":
    case "diff":
    case "passthrough":
    case undefined:
      return op;
  }
}

/** Learns the secrets among the variables of a RUN. */
export function learnOp({ op }: Op, scrubber: Scrubber): void {
  if (op.case !== "exec") return;
  for (const assignment of op.value.meta?.env ?? []) {
    const at = assignment.indexOf("=");
    if (at > 0) scrubber.learnVariable(assignment.slice(0, at), assignment.slice(at + 1));
  }
}

function scrubSource(source: SourceOp, place: string, scrubber: Scrubber): SourceOp {
  const attrs = Object.entries(source.attrs).filter(([key]) => !RUN_ATTRIBUTES.has(key));
  return {
    ...source,
    identifier: scrubber.text(source.identifier, place),
    attrs: Object.fromEntries(attrs.map(([key, value]) => [key, scrubber.text(value, `${place} ${key}`)])),
  };
}

function scrubExec(exec: ExecOp, place: string, scrubber: Scrubber): ExecOp {
  const { meta } = exec;
  if (meta === undefined) return exec;
  const scrubbed = {
    ...meta,
    args: meta.args.map((argument) => scrubber.text(argument, place)),
    env: meta.env.map((assignment) => scrubber.assignment(assignment, place)),
  };
  return { ...exec, meta: meta.proxyEnv === undefined ? scrubbed : { ...scrubbed, proxyEnv: scrubProxy(meta.proxyEnv, place, scrubber) } };
}

function scrubProxy(proxy: ProxyEnv, place: string, scrubber: Scrubber): ProxyEnv {
  return {
    ...proxy,
    httpProxy: scrubber.proxy(proxy.httpProxy, `${place} http_proxy`),
    httpsProxy: scrubber.proxy(proxy.httpsProxy, `${place} https_proxy`),
    ftpProxy: scrubber.proxy(proxy.ftpProxy, `${place} ftp_proxy`),
    allProxy: scrubber.proxy(proxy.allProxy, `${place} all_proxy`),
  };
}

/** Files written by a step are text of the Dockerfile (here-documents). What is no UTF-8 is left alone. */
function scrubAction(action: FileAction, place: string, scrubber: Scrubber): FileAction {
  if (action.action.case !== "mkfile") return action;
  const text = Buffer.from(action.action.value.data).toString("utf8");
  const scrubbed = scrubber.text(text, place);
  if (scrubbed === text) return action;
  return { ...action, action: { case: "mkfile", value: { ...action.action.value, data: new Uint8Array(Buffer.from(scrubbed)) } } };
}
