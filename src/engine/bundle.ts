import { collectBytes } from "../content/bytes.ts";
import { parseDigest } from "../content/digest.ts";
import { FrontendFailure } from "../bridge/frontend-failure.ts";
import type { Subject } from "../provenance/subject.ts";
import type { TreeNode } from "../snapshot/tree-node.ts";
import type { Tree } from "../snapshot/tree.ts";

/** BuildKit's bound on one statement. */
const STATEMENT_BYTES_MAX = 40 * 1024 * 1024;

const SLSA = "https://slsa.dev/provenance/";

/** One in-toto statement of a bundle, taken apart. */
export interface BundledStatement {
  /** Name of its file. */
  readonly name: string;
  readonly predicateType: string;
  /** As JSON, members sorted as Go writes a map. */
  readonly predicate: unknown;
  readonly subjects: readonly Subject[];
}

/**
 * The statements in a directory, by name. `wanted` is the type that all must have; empty for any. Throws FrontendFailure
 * for what is no statement, of another type, or a provenance, which is ours to write.
 */
export async function readBundle(tree: Tree, path: string, wanted: string, signal: AbortSignal): Promise<readonly BundledStatement[]> {
  const directory = tree.resolve(path, "follow");
  if (tree.lookup(directory)?.entry.kind !== "directory") throw new FrontendFailure(`open ${path}: no such directory`, undefined);
  const statements: BundledStatement[] = [];
  for (const child of tree.children(directory)) statements.push(await readStatement(child, wanted, signal));
  return statements;
}

/** The bytes of one file that a frontend points at. Throws FrontendFailure. */
export async function readPredicate(tree: Tree, path: string, signal: AbortSignal): Promise<Uint8Array> {
  const node = tree.lookup(tree.resolve(path, "follow"));
  if (node?.entry.kind !== "file") throw new FrontendFailure(`open ${path}: no such file or directory`, undefined);
  return await bytesOf(node, signal);
}

export function refuseProvenance(predicateType: string): void {
  if (predicateType.startsWith(SLSA)) throw new FrontendFailure("frontend may not bundle provenance attestations", undefined);
}

async function readStatement(node: TreeNode, wanted: string, signal: AbortSignal): Promise<BundledStatement> {
  const name = node.entry.path.slice(node.entry.path.lastIndexOf("/") + 1);
  if (node.entry.kind !== "file") throw new FrontendFailure(`${name} is not a regular file`, undefined);
  const statement = parseStatement(name, await bytesOf(node, signal));
  const { predicateType, predicate, subject = [] } = statement;
  if (typeof predicateType !== "string" || typeof predicate !== "object" || predicate === null) throw new FrontendFailure(`${name}: cannot decode in-toto statement: it has no predicateType or no predicate`, undefined);
  if (wanted !== "" && predicateType !== wanted) throw new FrontendFailure(`bundle entry ${predicateType} does not match required predicate type ${wanted}`, undefined);
  refuseProvenance(predicateType);
  return { name, predicateType, predicate, subjects: subject.flatMap(subjectOf) };
}

interface StatementJson {
  readonly predicateType?: unknown;
  readonly predicate?: unknown;
  readonly subject?: ReadonlyArray<{ readonly name?: string; readonly digest?: Readonly<Record<string, string>> }>;
}

function parseStatement(name: string, bytes: Uint8Array): StatementJson {
  try {
    // What lacks is looked at as such.
    return (JSON.parse(Buffer.from(bytes).toString("utf8")) ?? {}) as StatementJson;
  } catch (error) {
    throw new FrontendFailure(`${name}: cannot decode in-toto statement: ${(error as Error).message}`, undefined, { cause: error });
  }
}

function subjectOf({ name = "", digest = {} }: NonNullable<StatementJson["subject"]>[number]): Subject[] {
  return Object.entries(digest).map(([algorithm, hex]) => ({ name, digest: parseDigest(`${algorithm}:${hex}`) }));
}

async function bytesOf({ entry, layer, stored }: TreeNode, signal: AbortSignal): Promise<Uint8Array> {
  if (entry.sizeBytes > STATEMENT_BYTES_MAX) throw new FrontendFailure(`${entry.path} exceeds ${STATEMENT_BYTES_MAX} bytes`, undefined);
  return await collectBytes(layer.read(stored, signal), STATEMENT_BYTES_MAX);
}
