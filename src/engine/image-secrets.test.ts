import assert from "node:assert/strict";
import { test } from "node:test";
import { lineRanges } from "../frontend/dockerfile/source-range.ts";
import { KnownSecrets } from "../scrub/known-secrets.ts";
import { imageSecrets } from "./image-secrets.ts";

const DOCKERFILE = "FROM scratch\nENV API_TOKEN=hunter2\nONBUILD ENV A=b\nONBUILD ENV X_TOKEN=hunter3\n";
const origin = (line: number, name: string, value: string): object => ({ parts: ["ENV ", { name, value }], withoutArgs: `ENV ${name}=${value}`, location: lineRanges(line, line) });

function placesOf(config: object, annotations: ReadonlyArray<readonly [string, string]> = []): ReadonlyArray<readonly [place: string, line: number | undefined]> {
  const origins = [undefined, origin(1, "API_TOKEN", "old"), origin(2, "API_TOKEN", "hunter2")] as Parameters<typeof imageSecrets>[0]["origins"];
  const found = imageSecrets({ config: Buffer.from(JSON.stringify(config)), origins, graph: { vertices: new Map(), head: undefined }, dockerfile: DOCKERFILE, annotations }, new KnownSecrets());
  return found.map(({ place, location }) => [place, location[0]?.start.line] as const);
}

test("a secret of every member of a configuration is found, with the line that brought it", () => {
  assert.deepEqual(placesOf({ config: { Env: ["PATH=/bin", "API_TOKEN=hunter2"] } }), [["ENV API_TOKEN", 2]]);
  assert.deepEqual(placesOf({ config: { Env: ["BASE_TOKEN=hunter2"] } }), [["ENV BASE_TOKEN", undefined]], "the base's");
  assert.deepEqual(placesOf({ config: { Labels: { "a.token": "hunter2", b: "c" } } }), [["LABEL a.token", undefined]]);
  for (const [member, place] of [["Cmd", "CMD"], ["Entrypoint", "ENTRYPOINT"], ["Shell", "SHELL"]] as const) assert.deepEqual(placesOf({ config: { [member]: ["x", "--password", "a b"] } }), [[place, undefined]]);
  assert.deepEqual(placesOf({ config: { Healthcheck: { Test: ["CMD", "curl", "-u", "u:hunter2", "http://h"] } } }), [["HEALTHCHECK", undefined]]);
  assert.deepEqual(placesOf({ config: { OnBuild: ["ENV A=b", "ENV X_TOKEN=hunter3"] } }), [["ONBUILD", 4]]);
  assert.deepEqual(placesOf({ author: "https://u:p@h/" }), [["MAINTAINER", undefined]]);
});

test("annotations are looked at by key and value", () => {
  assert.deepEqual(placesOf({}, [["a.b", "c"], ["a.token", "hunter2"], ["x", "https://u:p@h/"]]), [["annotation a.token", undefined], ["annotation x", undefined]]);
});

test("an image without secrets has none", () => {
  assert.deepEqual(placesOf({ config: { Env: ["PATH=/bin", "PASSWORD_FILE=/run/secrets/x"], Cmd: ["x"], Labels: { "org.opencontainers.image.source": "https://h/o/r" } } }), []);
});
