import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { hasCode, textOf } from "../testing/http-expectations.ts";
import { serve } from "../testing/http-fixture.ts";
import { bodyOf, openHttpClient } from "./http-client.ts";

/** Far above what any of these needs. */
const limit = (): AbortSignal => AbortSignal.timeout(20_000);

describe("an HTTP client", () => {
  test("uses one connection for requests that follow each other", async () => {
    let connections = 0;
    await using fixture = await serve((_request, response) => response.end("hello"));
    fixture.server.on("connection", () => connections++);
    await using client = openHttpClient({});

    for (let i = 0; i < 3; i++) assert.equal(await textOf(await client.send({ method: "GET", url: new URL(fixture.origin) }, limit())), "hello");
    assert.equal(connections, 1);
  });

  test("names silence: no answer, and a body that stops", async () => {
    await using fixture = await serve((request, response) => void (request.url === "/body" && response.writeHead(200).write("a")));
    await using client = openHttpClient({}, { connectMs: 30_000, answerMs: 1000, idleMs: 1000 });

    await assert.rejects(client.send({ method: "GET", url: new URL("/none", fixture.origin) }, limit()), hasCode("timeout", "GET", "/none"));
    const response = await client.send({ method: "GET", url: new URL("/body", fixture.origin) }, limit());
    await assert.rejects(textOf(response), hasCode("timeout", "/body"));
  });

  test("ends with the signal's reason, before the answer and within the body", async () => {
    await using fixture = await serve((request, response) => void (request.url === "/body" && response.writeHead(200).write("a")));
    await using client = openHttpClient({});

    for (const path of ["/none", "/body"]) {
      const controller = new AbortController();
      const reason = new Error(`enough of ${path}`);
      setTimeout(() => controller.abort(reason), 50);
      await assert.rejects(async () => textOf(await client.send({ method: "GET", url: new URL(path, fixture.origin) }, controller.signal)), reason);
    }
  });

  test("tries once more where a kept connection had been closed", async () => {
    let served = 0;
    await using fixture = await serve((request, response) => {
      served++;
      // Closed without a word once the client has kept it: what a proxy's idle timeout looks like.
      response.end("x", () => setTimeout(() => request.socket.resetAndDestroy(), 20));
    });
    await using client = openHttpClient({});

    for (let i = 0; i < 4; i++) {
      assert.equal(await textOf(await client.send({ method: "POST", url: new URL(fixture.origin), body: bodyOf(Buffer.from("y")) }, limit())), "x");
      await delay(20);
    }
    assert.equal(served, 4);
  });

  test("passes on what the source of a body threw, as it was", async () => {
    await using fixture = await serve((_request, response) => response.end());
    await using client = openHttpClient({});

    const failure = new Error("disk");
    async function* open(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(1);
      throw failure;
    }
    await assert.rejects(client.send({ method: "PUT", url: new URL(fixture.origin), body: { sizeBytes: 2, open } }, limit()), failure);
  });

  test("says that nobody is there", async () => {
    await using client = openHttpClient({});

    await assert.rejects(client.send({ method: "GET", url: new URL("http://localhost:1/") }, limit()), hasCode("unreachable", "ECONNREFUSED"));
    await assert.rejects(client.send({ method: "GET", url: new URL("http://nowhere.invalid/") }, limit()), hasCode("unreachable", "nowhere.invalid"));
  });
});

describe("redirects", () => {
  test("follows redirects, and takes credentials only where they belong", async () => {
    const seen: (string | undefined)[] = [];
    await using other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end("there");
    });
    await using fixture = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(307, { location: request.url === "/a" ? "/b" : `${other.origin}/c` }).end("moved");
    });
    await using client = openHttpClient({});

    const response = await client.send({ method: "GET", url: new URL("/a", fixture.origin), headers: { Authorization: "Bearer t" } }, limit());
    assert.equal(await textOf(response), "there");
    assert.equal(response.url.href, `${other.origin}/c`);
    assert.deepEqual(seen, ["Bearer t", "Bearer t", undefined]);
  });

  test("gives up on redirects that go round, and shows no secrets of the URL", async () => {
    await using fixture = await serve((_request, response) => response.writeHead(302, { location: "/again" }).end());
    await using client = openHttpClient({});

    const url = new URL(fixture.origin.replace("//", "//user:hidden@") + "/x?signature=hidden");
    await assert.rejects(client.send({ method: "GET", url }, limit()), (error: Error) => {
      assert.ok(!error.message.includes("hidden"), error.message);
      return hasCode("redirect", "more than 5")(error);
    });
  });

  test("repeats the body of a redirected upload, and leaves other answers to an upload alone", async () => {
    const received: string[] = [];
    await using fixture = await serve((request, response) => {
      if (request.url === "/a") return void response.writeHead(308, { location: "/b" }).end();
      if (request.url === "/c") return void response.writeHead(302, { location: "/b" }).end();
      request.on("data", (chunk: Buffer) => received.push(chunk.toString())).on("end", () => response.writeHead(201).end());
    });
    await using client = openHttpClient({});

    const send = async (path: string): Promise<number> =>
      (await client.send({ method: "PUT", url: new URL(path, fixture.origin), body: bodyOf(Buffer.from("bytes")) }, limit())).status;
    assert.equal(await send("/a"), 201);
    assert.equal(await send("/c"), 302);
    assert.deepEqual(received, ["bytes"]);
  });
});
