import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");

interface Entry {
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly engines?: Readonly<Record<string, string>>;
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), "utf8"));
const { packages } = read("package-lock.json") as { readonly packages: Readonly<Record<string, Entry>> };

test("the lock file knows packages by digest, and names no machine to get them from", () => {
  const places = Object.values(packages).flatMap(({ resolved }) => resolved ?? []);
  assert.deepEqual(places.filter((place) => place.includes("://")), []);
});

test("the lock file says what package.json says", () => {
  const manifest = read("package.json") as Entry;
  for (const key of ["dependencies", "devDependencies", "bin", "engines"] as const) assert.deepEqual(packages[""]?.[key], manifest[key], key);
});

test("the lock file has the packages of every machine, without which npm 11 refuses it", () => {
  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !(`node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages)).map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(missing, []);
});
