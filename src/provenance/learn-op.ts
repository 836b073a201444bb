import type { Op } from "../llb/op.ts";
import type { Scrubber } from "../scrub/scrubber.ts";

/** Learns the secrets of an op that show at one place of it, so that they are found at every other. */
export function learnOp({ op }: Op, scrubber: Scrubber): void {
  switch (op.case) {
    case "source":
      for (const text of [op.value.identifier, ...Object.values(op.value.attrs)]) scrubber.learnText(text);
      return;
    case "exec":
      for (const assignment of op.value.meta?.env ?? []) {
        const at = assignment.indexOf("=");
        if (at > 0) scrubber.learnVariable(assignment.slice(0, at), assignment.slice(at + 1));
      }
      for (const argument of op.value.meta?.args ?? []) scrubber.learnText(argument);
      return;
    case "file":
      for (const { action } of op.value.actions) if (action.case === "mkfile") scrubber.learnText(Buffer.from(action.value.data).toString("utf8"));
      return;
    case "build":
    case "merge":
    case "diff":
    case "passthrough":
    case undefined:
      return;
  }
}
