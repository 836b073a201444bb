import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { rules } from "@secretlint/secretlint-rule-preset-recommend";
import { RandomSecrets } from "../testing/random-secrets.ts";
import { Scrubber } from "./scrubber.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const CORPUS = `${process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"}/llb/corpus.jsonl.gz`;

/** What the rules that secretlint recommends find: rules that others keep, held against ours. Each finding's text, by its rule. */
async function foundByOthers(text: string): Promise<readonly string[]> {
  const found: string[] = [];
  const translate = (id: string, data: object = {}): object => ({ message: `${id} ${JSON.stringify(data)}`, messageId: id, data });
  for (const rule of rules) {
    // Comments that switch rules off are no secrets.
    if (rule.meta.id.endsWith("filter-comments")) continue;
    const context = {
      sharedOptions: {}, ignore: () => undefined,
      createTranslator: () => translate,
      report: ({ range }: { readonly range: readonly [number, number] }) => void found.push(`${rule.meta.id.replace("@secretlint/secretlint-rule-", "")}: ${text.slice(...range)}`),
    };
    const source = { content: text, contentType: "text", filePath: "Dockerfile", ext: "", hasBOM: false, text: text, getContentText: () => text, indexToPosition: () => ({ line: 1, column: 0 }), locationToRange: () => [0, 0] };
    // Of secretlint's interfaces, what rules for texts use.
    await (rule as unknown as { create(context: object, options: object): { file?(source: object): unknown } }).create(context, {}).file?.(source);
  }
  return found;
}

test("of secrets of every kind in a text, other people's rules find many before it is scrubbed, and none after", async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const secrets = new RandomSecrets(SEED);
  const password = secrets.password();
  const { begin, body, end } = secrets.privateKey("RSA ");
  const text = [
    ...secrets.all().map(({ text: token }) => `RUN x ${token}`), `ENV AWS_SECRET_ACCESS_KEY=${secrets.letters("abcdefghijklmnopABCDEFGHIJKLMNOP0123456789/+", 40)}`, `RUN x https://user:${password}@host.example.com/x`,
    `RUN x postgres://user:${password}@db.example.com:5432/x`, `RUN x mysql://user:${password}@db.example.com/x`, `RUN x mongodb+srv://user:${password}@c.example.net/x`, `RUN echo //registry.npmjs.org/:_authToken=${secrets.letters("0123456789abcdef", 36)} > .npmrc`,
    `RUN x https://hooks.slack.com/services/T${secrets.letters("ABCDEF0123", 10)}/B${secrets.letters("ABCDEF0123", 10)}/${secrets.letters("abcdefABCDEF0123", 24)}`, [begin, ...body, end].join("\n"), "",
  ].join("\n");
  const before = await foundByOthers(text);
  const kinds = new Set(before.map((found) => found.split(":")[0]));
  assert.ok(kinds.size >= 10, [...kinds].join(", "));
  const after = (await foundByOthers(new Scrubber().dockerfile(text, "Dockerfile"))).filter((found) => !/xxxxx/.test(found));
  assert.deepEqual(after, []);
});

test("in Dockerfiles of public projects, other people's rules find nothing that ours leave", { skip: existsSync(CORPUS) ? false : `${CORPUS} is missing` }, async () => {
  const dockerfiles = new Set(gunzipSync(readFileSync(CORPUS)).toString("utf8").trimEnd().split("\n").flatMap((line) => (JSON.parse(line) as { case: { dockerfile?: string } }).case.dockerfile ?? []));
  for (const text of dockerfiles) assert.deepEqual((await foundByOthers(new Scrubber().dockerfile(text, "Dockerfile"))).filter((found) => !/xxxxx/.test(found)), []);
});
