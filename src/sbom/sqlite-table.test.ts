import assert from "node:assert/strict";
import { mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { SeededRandom } from "../testing/seeded-random.ts";
import { DamagedFileError } from "./read-file.ts";
import { sqliteFile } from "./sqlite-file.ts";
import { tableRows } from "./sqlite-table.ts";

const SIZES = [0, 1, 100, 470, 475, 480, 4000, 4061, 4062, 9000, 70_000, 1_000_000];

for (const pageBytes of [512, 1024, 4096, 65536]) {
  test(`reads what SQLite wrote in pages of ${pageBytes} bytes: short rows, and rows over many pages`, () => {
    const { bytes, rows } = written(pageBytes, (database) => {
      for (const size of SIZES) database.prepare("INSERT INTO Packages (blob) VALUES (?)").run(Buffer.alloc(size, size % 251));
      for (let index = 0; index < 3000; index++) database.prepare("INSERT INTO Packages (blob) VALUES (?)").run(Buffer.from(`row ${index}`));
      database.exec("DELETE FROM Packages WHERE hnum % 7 = 3");
    });
    assert.ok(rows.length > 2000);
    assert.deepEqual(blobs(bytes), rows);
  });
}

test("reads integers of every size, texts and NULL", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-sqlite-"));
  const path = join(folder.path, "one.sqlite");
  const numbers = [0, 1, -1, 127, -128, 40_000, -8_000_000, 2_000_000_000, 2 ** 40, -(2 ** 45), 2 ** 52];
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE other (x); CREATE TABLE Packages (a, b, c)");
  for (const number of numbers) database.prepare("INSERT INTO Packages VALUES (?, ?, ?)").run(BigInt(number), `é${number}`, null);
  database.close();
  const rows = [...tableRows(sqliteFile(readFileSync(path), undefined), "Packages")];
  assert.deepEqual(rows.map(([a, b, c]) => [a, String(b), c]), numbers.map((number) => [number, `é${number}`, undefined]));
});

test("takes from the write-ahead log what was committed, and no more", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-sqlite-"));
  const path = join(folder.path, "one.sqlite");
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)");
  const insert = (text: string): void => void database.prepare("INSERT INTO Packages (blob) VALUES (?)").run(Buffer.from(text));
  for (let index = 0; index < 500; index++) insert(`${index}`);
  database.exec("PRAGMA wal_checkpoint(RESTART)");
  insert("after the checkpoint");
  const log = readFileSync(`${path}-wal`);
  database.exec("PRAGMA cache_size=4; PRAGMA cache_spill=1; BEGIN");
  for (let index = 0; index < 3000; index++) insert(`never committed ${index}`);
  const spilled = readFileSync(`${path}-wal`);
  const bytes = readFileSync(path);
  assert.equal(spilled.equals(log), false);
  for (const one of [log, spilled]) assert.deepEqual([blobs(bytes, one).length, blobs(bytes, one).at(-1)], [501, "after the checkpoint"]);
  assert.equal(blobs(bytes).length, 500);
  const torn = Buffer.from(log);
  torn.writeUInt8(torn.readUInt8(200) ^ 1, 200);
  assert.equal(blobs(bytes, torn).length, 500);
  database.exec("ROLLBACK");
  database.close();
});

test("a damaged data base is refused in bounded time, wherever it is damaged", () => {
  const { bytes } = written(512, (database) => {
    for (let index = 0; index < 60; index++) database.prepare("INSERT INTO Packages (blob) VALUES (?)").run(Buffer.alloc(index * 20, 1));
  });
  const random = new SeededRandom(1);
  for (let round = 0; round < 1500; round++) {
    const damaged = Buffer.from(bytes);
    for (let change = 0; change < 3; change++) damaged.writeUInt8(random.below(256), random.below(damaged.length));
    try {
      blobs(damaged);
    } catch (error) {
      assert.ok(error instanceof DamagedFileError, `round ${round}: ${String(error)}`);
    }
  }
});

test("a table that leads back into itself is refused, and does not keep us", () => {
  const { bytes } = written(512, (database) => {
    for (let index = 0; index < 300; index++) database.prepare("INSERT INTO Packages (blob) VALUES (?)").run(Buffer.alloc(50));
  });
  const interior = Array.from({ length: bytes.length / 512 }, (_none, page) => page).filter((page) => page > 0 && bytes.readUInt8(page * 512) === 0x05);
  assert.ok(interior.length > 0);
  for (const page of interior) bytes.writeUInt32BE(page + 1, page * 512 + 8);
  assert.throws(() => blobs(bytes), { name: "DamagedFileError", message: /^page \d+ comes twice$/ });
});

test("says of what is no data base, and of one without the table, what is wrong", () => {
  assert.throws(() => sqliteFile(Buffer.from("no"), undefined), { name: "DamagedFileError", message: "no data base of SQLite" });
  const { bytes } = written(4096, () => undefined);
  assert.throws(() => [...tableRows(sqliteFile(bytes, undefined), "Names")], { name: "DamagedFileError", message: "no table Names" });
});

/** As SQLite writes it, and as it reads it back. */
function written(pageBytes: number, fill: (database: DatabaseSync) => void): { readonly bytes: Buffer; readonly rows: readonly string[] } {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-sqlite-"));
  const path = join(folder.path, "one.sqlite");
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA page_size=${pageBytes}; PRAGMA synchronous=OFF; CREATE TABLE other (x); CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL); BEGIN`);
  fill(database);
  database.exec("COMMIT");
  const rows = database.prepare("SELECT blob FROM Packages ORDER BY hnum").all().map(({ blob }) => Buffer.from(blob as Uint8Array).toString("latin1"));
  database.close();
  return { bytes: readFileSync(path), rows };
}

function blobs(bytes: Buffer, log?: Buffer): string[] {
  return [...tableRows(sqliteFile(bytes, log), "Packages")].map((row) => (Buffer.isBuffer(row[1]) ? row[1].toString("latin1") : ""));
}
