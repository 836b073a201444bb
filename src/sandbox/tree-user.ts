import { SandboxError } from "./sandbox-error.ts";

/** Who a process runs as. */
export interface TreeUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group is always among them. */
  readonly groups: readonly number[];
  readonly home: string;
}

/** The texts of a tree's own /etc/passwd and /etc/group; undefined where it has none. */
export interface UserFiles {
  readonly passwd: string | undefined;
  readonly group: string | undefined;
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Kernel and tools agree on ids up to here. */
const ID_MAX = 2 ** 31 - 1;

/**
 * Looks up USER as BuildKit does: `user`, `uid`, `user:group`, `uid:gid`. Both as numbers need no entry and get no
 * further groups; a name needs one. Without a group, the user's own and those that list the user as a member are taken.
 */
export function resolveUser(spec: string, files: UserFiles): TreeUser {
  const accounts = parseAccounts(files.passwd ?? "");
  const numeric = parseNumericPair(spec);
  if (numeric !== undefined) return { ...numeric, groups: [numeric.gid], home: homeOf(accounts, numeric.uid) };

  const [userText = "", groupText = ""] = (spec === "" ? "0" : spec).split(":");
  const wantedUid = parseId(userText);
  const account = accounts.find((entry) => (userText === "" ? entry.uid === 0 : wantedUid === undefined ? entry.name === userText : entry.uid === wantedUid));
  if (account === undefined && userText !== "" && wantedUid === undefined) {
    throw new SandboxError("user", `unable to find user ${userText}: no matching entries in passwd file`);
  }
  const uid = account?.uid ?? wantedUid ?? 0;
  const { gid, further } = resolveGroups(account, groupText, parseGroups(files.group ?? ""));
  return { uid, gid, groups: [...new Set([gid, ...further])], home: homeOf(accounts, uid) };
}

function resolveGroups(account: Account | undefined, text: string, groups: readonly Group[]): { readonly gid: number; readonly further: readonly number[] } {
  if (text === "") {
    const further = groups.filter((group) => account !== undefined && group.members.includes(account.name));
    return { gid: account?.gid ?? 0, further: further.map((group) => group.gid) };
  }
  const wanted = parseId(text);
  const found = groups.find((group) => (wanted === undefined ? group.name === text : group.gid === wanted));
  const gid = found?.gid ?? wanted;
  if (gid === undefined) throw new SandboxError("user", `unable to find group ${text}: no matching entries in group file`);
  return { gid, further: [] };
}

/** `root` counts as a number here; a group has to be given. */
function parseNumericPair(spec: string): { readonly uid: number; readonly gid: number } | undefined {
  const separator = spec.indexOf(":");
  if (separator < 0) return undefined;
  const [uid, gid] = [spec.slice(0, separator), spec.slice(separator + 1)].map((text) =>
    text === "root" ? 0 : /^\d+$/.test(text) && Number(text) < 2 ** 32 ? Number(text) : undefined);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** Undefined when it is not a number. */
function parseId(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id < 0 || id > ID_MAX) throw new SandboxError("user", `uids and gids must be in range 0-${ID_MAX}`);
  return id;
}

/** As the runtimes set HOME: the directory of the first account with this id, else the root. */
function homeOf(accounts: readonly Account[], uid: number): string {
  return accounts.find((entry) => entry.uid === uid)?.home || "/";
}

/** passwd(5); a field that is missing or is no number counts as empty or 0. */
function parseAccounts(text: string): readonly Account[] {
  return fieldsOf(text).map(([name = "", , uid = "", gid = "", , home = ""]) => ({ name, uid: lenientNumber(uid), gid: lenientNumber(gid), home }));
}

/** group(5). */
function parseGroups(text: string): readonly Group[] {
  return fieldsOf(text)
    .filter(([name = ""]) => !name.startsWith("#"))
    .map(([name = "", , gid = "", members = ""]) => ({ name, gid: lenientNumber(gid), members: members === "" ? [] : members.split(",") }));
}

function fieldsOf(text: string): ReadonlyArray<readonly string[]> {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").map((line) => line.split(":"));
}

function lenientNumber(text: string): number {
  return /^[+-]?\d+$/.test(text) ? Number(text) : 0;
}
