import { isObject, listAt, objectAt, textAt, type JsonObject } from "./document.ts";

/** What kind of work a step is; `result` is the last one, which only points to another. */
export type StepKind = "source" | "exec" | "file" | "merge" | "diff" | "build" | "result" | "unknown";

const KINDS: readonly StepKind[] = ["source", "exec", "file", "merge", "diff", "build"];

export function stepKind(op: JsonObject): StepKind {
  const kinds = objectAt(op, "Op");
  return KINDS.find((kind) => Object.hasOwn(kinds, kind)) ?? (Object.keys(kinds).length === 0 ? "result" : "unknown");
}

/** A step in a few words, from its operation alone: there are records without a Dockerfile. */
export function stepSummary(op: JsonObject): string {
  const kind = stepKind(op);
  const work = objectAt(op, "Op", kind);
  switch (kind) {
    case "source":
      return textAt(work, "identifier") ?? "source";
    case "exec": {
      const args = listAt(objectAt(work, "meta"), "args").filter((arg) => typeof arg === "string");
      return args.join(" ").replaceAll(/\s+/g, " ");
    }
    case "file":
      return listAt(work, "actions").map(actionSummary).join(", ");
    case "merge":
      return `merge ${listAt(work, "inputs").length} trees`;
    case "diff":
      return "difference of two trees";
    case "build":
      return "build of a definition";
    case "result":
      return "result";
    case "unknown":
      return "unknown operation";
  }
}

function actionSummary(action: unknown): string {
  const work = isObject(action) ? objectAt(action, "Action") : {};
  const copy = objectAt(work, "copy");
  if (Object.hasOwn(work, "copy")) return `copy ${textAt(copy, "src") ?? "?"} to ${textAt(copy, "dest") ?? "?"}`;
  for (const verb of ["mkdir", "mkfile", "rm", "symlink"]) {
    const made = objectAt(work, verb);
    if (Object.hasOwn(work, verb)) return `${verb} ${textAt(made, "path") ?? textAt(made, "newpath") ?? "?"}`;
  }
  return "unknown action";
}
