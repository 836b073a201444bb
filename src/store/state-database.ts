import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Waiting for another process's write. Writes take microseconds; this is for a machine that is on its knees. */
const BUSY_TIMEOUT_MS = 10_000;

const SCHEMA_VERSION = 1;

/** Kind of the facts that say how many of another kind were saved since those were counted. */
const SAVED_SINCE = "saved-since-counted";
/** To count takes as long as a step: it is done when so much of what may stay was saved since. */
const UNCOUNTED_SHARE = 1 / 8;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS cache_records (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS file_digests (validator TEXT PRIMARY KEY, digest TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS facts (kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;
`;

/** Named strings that survive the process. `kind` separates users: "layer-blob", "image-layers", "build". */
export interface StateDatabase extends Disposable {
  cacheRecord(key: string): string | undefined;
  saveCacheRecord(key: string, value: string): void;
  /** What is known of these, by validator: one question for thousands, since each costs as much as looking at a file. */
  fileDigests(validators: readonly string[]): ReadonlyMap<string, string>;
  saveFileDigests(digests: ReadonlyMap<string, string>): void;
  fact(kind: string, name: string): string | undefined;
  saveFact(kind: string, name: string, value: string): void;
  /** Saves a value where there is none yet, and returns the one that is there: of several processes, the first one's. */
  keepFact(kind: string, name: string, value: string): string;
  /** Keys and values, in the order of the keys. */
  cacheRecords(): ReadonlyArray<readonly [key: string, value: string]>;
  /** Those whose value has a text somewhere in it. */
  cacheRecordsWith(text: string): ReadonlyArray<readonly [key: string, value: string]>;
  /** Where the value is still this one: another process may have saved another meanwhile. */
  removeCacheRecord(key: string, value: string): void;
  /** Names and values of one kind. */
  facts(kind: string): ReadonlyArray<readonly [name: string, value: string]>;
  removeFact(kind: string, name: string): void;
  /** Of the kinds that facts were saved of here, so many stay of each, or an eighth more, and those that were saved here: the others go by chance, so that no name is better off. */
  trimFacts(kept: ReadonlyMap<string, number>): void;
  /** What SQLite finds wrong with its file; empty where all is well. */
  problems(): readonly string[];
  /** One more for each: values of this kind are numbers, and start with none. */
  countFacts(kind: string, names: ReadonlySet<string>): void;
  /** All in one transaction: one for each would take a hundred times as long. */
  saveFacts(kind: string, facts: ReadonlyMap<string, string>): void;
}

export class StateVersionError extends Error {
  override readonly name = "StateVersionError";
  readonly code = "state-version";
  readonly retryable = false;
}

/** What kept the metadata from being read or written. `code` is the system's where it has one for the case. */
export class StateStorageError extends Error {
  override readonly name = "StateStorageError";
  readonly code: "ENOSPC" | "EROFS" | "EACCES" | "EIO" | "storage";
  readonly retryable = false;

  constructor(code: StateStorageError["code"], message: string, options: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Primary result codes of SQLite (sqlite.org/rescode.html) that say something of the machine, not of us. */
const MACHINE_TROUBLE: ReadonlyMap<number, StateStorageError["code"]> = new Map([[3, "EACCES"], [8, "EROFS"], [10, "EIO"], [13, "ENOSPC"]]);
/** Of a file, its directory, or a file beside it that processes share; SQLite does not say which, or why. */
const CANNOT_OPEN = 14;
const IOERR_SHMSIZE = 4874;
const DAMAGED: ReadonlySet<number> = new Set([11, 26]);
const BUSY: ReadonlySet<number> = new Set([5, 6]);

/** Opens the metadata of one state directory; any number of processes may have it open. Its calls throw StateStorageError. */
export function openStateDatabase(path: string): StateDatabase {
  const opened = guarded(path, () => openTables(path));
  const told = <R>(call: () => R): R => guarded(path, call);
  return {
    cacheRecord: (key) => told(() => opened.cacheRecord(key)),
    saveCacheRecord: (key, value) => told(() => opened.saveCacheRecord(key, value)),
    fileDigests: (validators) => told(() => opened.fileDigests(validators)),
    saveFileDigests: (digests) => told(() => opened.saveFileDigests(digests)),
    fact: (kind, name) => told(() => opened.fact(kind, name)),
    saveFact: (kind, name, value) => told(() => opened.saveFact(kind, name, value)),
    keepFact: (kind, name, value) => told(() => opened.keepFact(kind, name, value)),
    saveFacts: (kind, facts) => told(() => opened.saveFacts(kind, facts)),
    countFacts: (kind, names) => told(() => opened.countFacts(kind, names)),
    cacheRecords: () => told(() => opened.cacheRecords()),
    cacheRecordsWith: (text) => told(() => opened.cacheRecordsWith(text)),
    removeCacheRecord: (key, value) => told(() => opened.removeCacheRecord(key, value)),
    facts: (kind) => told(() => opened.facts(kind)),
    removeFact: (kind, name) => told(() => opened.removeFact(kind, name)),
    trimFacts: (kept) => told(() => opened.trimFacts(kept)),
    problems: () => told(() => opened.problems()),
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  };
}

function guarded<R>(path: string, call: () => R): R {
  try {
    return call();
  } catch (error) {
    throw storageError(path, error) ?? error;
  }
}

function storageError(path: string, error: unknown): StateStorageError | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  // Memory shared between processes is a file too, and the first to find a disk full.
  if (error.errcode === IOERR_SHMSIZE) return new StateStorageError("ENOSPC", `${path}: no room for what processes share of it`, { cause: error });
  // The upper bytes say more of the same.
  const primary = error.errcode & 0xff;
  if (DAMAGED.has(primary)) return new StateStorageError("storage", `${path}: ${error.message}: it is damaged; remove it (what earlier builds made is then built anew), or use another --root`, { cause: error });
  if (BUSY.has(primary)) return new StateStorageError("storage", `${path}: ${error.message}: another process has held it for ${BUSY_TIMEOUT_MS / 1000} s; end that process, or use another --root`, { cause: error });
  const code = primary === CANNOT_OPEN ? reasonNotOpened(path) : MACHINE_TROUBLE.get(primary);
  return code && new StateStorageError(code, `${path}: ${error.message}`, { cause: error });
}

function reasonNotOpened(path: string): StateStorageError["code"] {
  try {
    accessSync(dirname(path), constants.W_OK);
    return "EACCES";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS" ? "EROFS" : "EACCES";
  }
}

function openTables(path: string): StateDatabase {
  // The timeout must be set before the journal mode: processes that open together would fail otherwise.
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
  prepareSchema(database, path);
  const select = {
    record: database.prepare("SELECT value FROM cache_records WHERE key = ?"),
    digests: database.prepare("SELECT asked.key, digest FROM json_each(?) AS asked JOIN file_digests ON validator = asked.value"),
    fact: database.prepare("SELECT value FROM facts WHERE kind = ? AND name = ?"),
    records: database.prepare("SELECT key AS name, value FROM cache_records ORDER BY key"),
    recordsWith: database.prepare("SELECT key AS name, value FROM cache_records WHERE instr(value, ?) > 0 ORDER BY key"),
    facts: database.prepare("SELECT name, value FROM facts WHERE kind = ? ORDER BY name"),
    factCount: database.prepare("SELECT count(*) AS value FROM facts WHERE kind = ?"),
    problems: database.prepare("SELECT 'integrity' AS name, integrity_check AS value FROM pragma_integrity_check"),
  };
  const remove = {
    record: database.prepare("DELETE FROM cache_records WHERE key = ? AND value = ?"),
    fact: database.prepare("DELETE FROM facts WHERE kind = ? AND name = ?"),
    otherFacts: database.prepare("DELETE FROM facts WHERE kind = ?1 AND name IN (SELECT name FROM facts WHERE kind = ?1 AND name NOT IN (SELECT value FROM json_each(?2)) ORDER BY random() LIMIT ?3)"),
  };
  const insert = {
    record: database.prepare("INSERT OR REPLACE INTO cache_records VALUES (?, ?)"),
    digest: database.prepare("INSERT OR REPLACE INTO file_digests VALUES (?, ?)"),
    fact: database.prepare("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)"),
    newFact: database.prepare("INSERT OR IGNORE INTO facts VALUES (?, ?, ?)"),
    countedFact: database.prepare("INSERT INTO facts VALUES (?, ?, '1') ON CONFLICT (kind, name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"),
  };
  const saved = new SavedNames();
  return {
    cacheRecord: (key) => valueOf(select.record.get(key)),
    saveCacheRecord: (key, value) => void insert.record.run(key, value),
    fileDigests: (validators) => new Map(select.digests.all(JSON.stringify(validators)).map(({ key, digest }) => [validators[Number(key)] ?? "", String(digest)])),
    saveFileDigests: (digests) => inTransaction(database, digests, ([validator, digest]) => insert.digest.run(validator, digest)),
    fact: (kind, name) => valueOf(select.fact.get(kind, name)),
    saveFact(kind, name, value) {
      insert.fact.run(kind, name, value);
      saved.add(kind, [name]);
    },
    keepFact(kind, name, value) {
      insert.newFact.run(kind, name, value);
      return valueOf(select.fact.get(kind, name)) ?? value;
    },
    saveFacts(kind, facts) {
      inTransaction(database, facts, ([name, value]) => insert.fact.run(kind, name, value));
      saved.add(kind, facts.keys());
    },
    countFacts: (kind, names) => inTransaction(database, names, (name) => insert.countedFact.run(kind, name)),
    cacheRecords: () => pairsOf(select.records.all()),
    cacheRecordsWith: (text) => pairsOf(select.recordsWith.all(text)),
    removeCacheRecord: (key, value) => void remove.record.run(key, value),
    facts: (kind) => pairsOf(select.facts.all(kind)),
    removeFact: (kind, name) => void remove.fact.run(kind, name),
    trimFacts(kept) {
      for (const [kind, names] of saved.take(kept)) {
        const max = kept.get(kind) ?? 0;
        const since = Number(valueOf(select.fact.get(SAVED_SINCE, kind)) ?? 0) + names.size;
        const isDue = since >= max * UNCOUNTED_SHARE;
        const surplus = isDue ? Number(select.factCount.get(kind)?.["value"]) - max : 0;
        if (surplus > 0) remove.otherFacts.run(kind, JSON.stringify([...names]), surplus);
        insert.fact.run(SAVED_SINCE, kind, String(isDue ? 0 : since));
      }
    },
    problems: () => pairsOf(select.problems.all()).map(([, text]) => text).filter((text) => text !== "ok"),
    [Symbol.dispose]: () => database.close(),
  };
}

/** Of facts, by their kind. */
class SavedNames {
  readonly #names = new Map<string, Set<string>>();

  add(kind: string, names: Iterable<string>): void {
    const known = this.#names.get(kind) ?? new Set();
    for (const name of names) known.add(name);
    if (known.size > 0) this.#names.set(kind, known);
  }

  /** Those of some kinds, and forgets them. */
  take(kinds: ReadonlyMap<string, unknown>): ReadonlyArray<readonly [kind: string, names: ReadonlySet<string>]> {
    const taken = [...this.#names].filter(([kind]) => kinds.has(kind));
    for (const [kind] of taken) this.#names.delete(kind);
    return taken;
  }
}

function inTransaction<T>(database: DatabaseSync, items: Iterable<T> & { readonly size: number }, save: (item: T) => unknown): void {
  if (items.size === 0) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const item of items) save(item);
    database.exec("COMMIT");
  } catch (error) {
    // SQLite may have done so by itself, as it does when the disk is full.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function prepareSchema(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > SCHEMA_VERSION) {
    throw new StateVersionError(`${path}: written by a newer stemma (state version ${version}, this one knows ${SCHEMA_VERSION}); upgrade, or use another --root`);
  }
  if (version === SCHEMA_VERSION) return;
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version=${SCHEMA_VERSION}; COMMIT;`);
}

function pairsOf(rows: ReadonlyArray<Record<string, unknown>>): ReadonlyArray<readonly [string, string]> {
  return rows.map((row) => [String(row["name"]), String(row["value"])]);
}

function valueOf(row: Record<string, unknown> | undefined): string | undefined {
  const value = row?.["value"];
  return typeof value === "string" ? value : undefined;
}
