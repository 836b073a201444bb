import type { Op } from "../llb/op.ts";

/** Ids of this one run, which differ each time and mean nothing later (anchor B3). */
const RUN_ATTRIBUTES: ReadonlySet<string> = new Set(["local.session", "local.unique"]);

/** The op as it is told. The op itself is left as it is: its bytes are its identity. */
export function withoutRun(op: Op): Op {
  if (op.op.case !== "source") return op;
  const attrs = Object.entries(op.op.value.attrs).filter(([key]) => !RUN_ATTRIBUTES.has(key));
  return { ...op, op: { case: "source", value: { ...op.op.value, attrs: Object.fromEntries(attrs) } } };
}
