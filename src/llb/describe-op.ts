import type { FileAction, Op } from "../proto/pb/ops_pb.ts";

/** What an op does in a few words, BuildKit's: for steps that nobody named. */
export function describeOp(op: Op, inputName: (index: number) => string): string {
  switch (op.op.case) {
    case "source":
      return op.op.value.identifier;
    case "exec":
      return (op.op.value.meta?.args ?? []).join(" ");
    case "file":
      return op.op.value.actions.map(describeAction).join(", ");
    case "build":
      return "build";
    case "merge":
      return `merge (${op.inputs.map((_input, index) => inputName(index)).join(", ")})`;
    case "diff":
      return `diff ${side(op.op.value.lower?.input, inputName)} -> ${side(op.op.value.upper?.input, inputName)}`;
    case "passthrough":
      return `passthrough ${op.op.value.id}`;
    case undefined:
      return "unknown";
  }
}

function side(input: bigint | undefined, inputName: (index: number) => string): string {
  return input === undefined || input < 0n ? "scratch" : `(${inputName(Number(input))})`;
}

function describeAction({ action }: FileAction): string {
  switch (action.case) {
    case "copy":
      return `copy ${action.value.src} ${action.value.dest}`;
    case "mkfile":
      return `mkfile ${action.value.path}`;
    case "mkdir":
      return `mkdir ${action.value.path}`;
    case "rm":
      return `rm ${action.value.path}`;
    case "symlink":
      return `symlink ${action.value.newpath} -> ${action.value.oldpath}`;
    case undefined:
      return "nothing";
  }
}
