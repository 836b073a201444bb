import { digestOf } from "../content/digest.ts";
import {
  FileActionCopySchema, FileActionMkDirSchema, FileActionMkFileSchema, FileActionRmSchema, FileActionSymlinkSchema, type FileAction, type FileOp,
} from "../llb/op.ts";
import { renderJson, type JsonObject } from "../provenance/json-tree.ts";
import { messageJson } from "../provenance/op-json.ts";
import type { KnownHashes } from "../snapshot/shared-checksum.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { SharedMap } from "../solver/shared-cache.ts";
import { deduplicated, usedOf } from "./file-selectors.ts";
import { selectorDigest, sharedContent } from "./shared-content.ts";

/** COPY and its kin as BuildKit names them (solver/llbsolver/ops/file.go, `CacheMap`). */
export function fileSharedMap(op: FileOp, inputCount: number, known: KnownHashes): SharedMap<LayerChain> {
  const builtUpon = new Set(op.actions.map(({ input }) => Number(input)));
  const used = usedOf(op);
  const uses = Array.from({ length: inputCount }, (_, input) => (builtUpon.has(input) ? [] : (used.get(input) ?? [])));
  return {
    digests: [digestOf(Buffer.from(fileText(op, inputCount)))],
    selectors: uses.map((selections) => (selections.length === 0 ? "" : selectorDigest(selections.map(({ path }) => path).toSorted().toReversed()))),
    contentOf: uses.map((selections) => (selections.length === 0 ? undefined : sharedContent(deduplicated(selections), known))),
  };
}

function fileText({ actions }: FileOp, inputCount: number): string {
  const indexes = actions.map(({ input, secondaryInput, output }) => [Number(input), Number(secondaryInput), Number(output)] as const);
  const texts = actions.map((action) => Buffer.from(renderJson(actionJson(action, inputCount), "compact")).toString("base64"));
  return renderJson({ Type: "buildkit.file.v0", Actions: texts, indexes: isUsual(indexes) ? undefined : indexes }, "compact");
}

function actionJson({ action, secondaryInput }: FileAction, inputCount: number): JsonObject {
  switch (action.case) {
    case "copy": {
      const isInput = secondaryInput !== -1n && Number(secondaryInput) < inputCount;
      return messageJson(FileActionCopySchema, isInput ? { ...action.value, src: baseName(action.value.src) } : action.value);
    }
    case "mkdir":
      return messageJson(FileActionMkDirSchema, action.value);
    case "mkfile":
      return messageJson(FileActionMkFileSchema, action.value);
    case "rm":
      return messageJson(FileActionRmSchema, action.value);
    case "symlink":
      return messageJson(FileActionSymlinkSchema, action.value);
    case undefined:
      throw new RangeError("a file operation with an action of no kind");
  }
}

/** Each action on what the one before made, reading from the second input at most, the last one giving the result: not told. */
function isUsual(indexes: ReadonlyArray<readonly [input: number, secondary: number, output: number]>): boolean {
  return indexes.length > 0 && indexes.every(([input, secondary, output], i) =>
    input === (i === 0 ? 0 : indexes.length + i - 1) && (secondary === -1 || secondary === 1) && output === (i === indexes.length - 1 ? 0 : -1));
}

/** Go's path.Base. */
export function baseName(path: string): string {
  if (path === "") return ".";
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? "/" : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}
