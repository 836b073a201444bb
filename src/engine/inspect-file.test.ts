import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import { literalContent } from "../ops/file-target.ts";
import { openStateDatabase } from "../store/state-database.ts";
import { InspectedContents } from "./inspect-file.ts";

const signal = new AbortController().signal;

test("a content is looked at once, under whatever name and in whatever build, and again as a file of settings", async () => {
  using database = openStateDatabase(":memory:");
  const read: string[] = [];
  const inspect = async (contents: InspectedContents, path: string, text: string): Promise<string> => {
    const bytes = Buffer.from(text);
    const { layer, stored } = literalContent(bytes);
    const counted = { ...layer, contentDigest: async () => digestOf(bytes), read: () => {
      read.push(path);
      return bytesOf(bytes);
    } };
    return (await contents.inspect({ layer: counted, entry: { ...stored, path } }, signal)).replace(/^\d+;?/, "");
  };
  const first = new InspectedContents(database);
  assert.equal(await inspect(first, "a.txt", "password=hunter2\n"), "");
  assert.equal(await inspect(first, "b.txt", "password=hunter2\n"), "");
  first.save();
  const second = new InspectedContents(database);
  assert.equal(await inspect(second, "c.txt", "password=hunter2\n"), "");
  assert.equal(await inspect(second, "c.env", "password=hunter2\n"), "secret-variable@1=password");
  assert.equal(await inspect(second, "d.env", "password=hunter2\n"), "secret-variable@1=password");
  assert.deepEqual(read, ["a.txt", "c.env"]);
});
