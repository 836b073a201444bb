import { collectBytes } from "../content/bytes.ts";
import type { ChownOpt, UserOpt } from "../llb/op.ts";
import type { TreeView } from "../snapshot/tree-view.ts";
import { TreeError } from "../snapshot/tree-error.ts";
import { OperationError } from "./operation-error.ts";

/** BuildKit's bound on a passwd or group file. */
const ACCOUNT_FILE_BYTES_MAX = 10 * 1024 * 1024;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The tree that names are looked up in, by the input that the operation gives. */
export type TreeOfInput = (input: number, signal: AbortSignal) => Promise<TreeView>;

/**
 * Who shall own what an action makes; undefined leaves it as it comes. A name is looked up in the tree's
 * /etc/passwd or /etc/group; one that is not there, or has no file to be in, is root, as in BuildKit.
 */
export async function readOwner(owner: ChownOpt | undefined, treeOf: TreeOfInput, signal: AbortSignal): Promise<Owner | undefined> {
  if (owner === undefined) return undefined;
  const user = await readUser(owner.user, treeOf, signal);
  const gid = await readGroup(owner.group, treeOf, signal);
  return { uid: settableId(user?.uid ?? 0), gid: settableId(gid ?? user?.gid ?? 0) };
}

/** The last number tells chown(2) to leave the owner alone, and what BuildKit has just made is root's. */
function settableId(id: number): number {
  return id === 0xffff_ffff ? 0 : id;
}

async function readUser(option: UserOpt | undefined, treeOf: TreeOfInput, signal: AbortSignal): Promise<Owner | undefined> {
  if (option?.user.case === "byID") return { uid: option.user.value, gid: option.user.value };
  if (option?.user.case !== "byName") return undefined;
  const { name, input } = option.user.value;
  const fields = await findAccount(name, await treeOf(Number(input), signal), "etc/passwd", signal);
  return fields === undefined ? undefined : { uid: accountNumber(fields[2]), gid: accountNumber(fields[3]) };
}

async function readGroup(option: UserOpt | undefined, treeOf: TreeOfInput, signal: AbortSignal): Promise<number | undefined> {
  if (option?.user.case === "byID") return option.user.value;
  if (option?.user.case !== "byName") return undefined;
  const { name, input } = option.user.value;
  const fields = await findAccount(name, await treeOf(Number(input), signal), "etc/group", signal);
  return fields === undefined ? undefined : accountNumber(fields[2]);
}

/** The colon-separated fields of the first line that is `name`'s (passwd(5), group(5)). */
async function findAccount(name: string, tree: TreeView, path: string, signal: AbortSignal): Promise<readonly string[] | undefined> {
  const node = lookupFollowed(tree, path);
  if (node === undefined) return undefined;
  if (node.entry.kind !== "file") throw new OperationError("step-failed", `/${path} is not a regular file`);
  if (node.entry.sizeBytes > ACCOUNT_FILE_BYTES_MAX) throw new OperationError("step-failed", `"/${path}" exceeds ${ACCOUNT_FILE_BYTES_MAX} bytes`);
  const text = (await collectBytes(node.layer.read(node.stored, signal), ACCOUNT_FILE_BYTES_MAX)).toString("utf8");
  return text.split("\n").map((line) => line.trim().split(":")).find(([first]) => first === name);
}

function lookupFollowed(tree: TreeView, path: string): ReturnType<TreeView["lookup"]> {
  try {
    return tree.lookup(tree.resolve(path, "follow"));
  } catch (error) {
    // Looked for below a file: there is no such list of accounts.
    if (error instanceof TreeError && error.code === "not-a-directory") return undefined;
    throw error;
  }
}

function accountNumber(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}
