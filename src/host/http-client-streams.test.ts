import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { hasCode, textOf } from "../testing/http-expectations.ts";
import { lent } from "../testing/lent.ts";
import { serve } from "../testing/http-fixture.ts";
import { openHttpClient } from "./http-client.ts";

const MiB = 1024 * 1024;

/** Far above what any of these needs. */
const limit = (): AbortSignal => AbortSignal.timeout(20_000);

describe("bodies over HTTP", () => {
  test("sends a stream no faster than it is taken", async () => {
    const arrived = Promise.withResolvers<() => void>();
    await using fixture = await serve((request, response) => {
      request.pause();
      arrived.resolve(() => void request.resume().on("end", () => response.end("done")));
    });
    await using client = openHttpClient({});

    let givenBytes = 0;
    async function* open(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 64; i++) {
        givenBytes += MiB;
        yield Buffer.alloc(MiB);
      }
    }
    const sent = client.send({ method: "PUT", url: new URL(fixture.origin), body: { sizeBytes: 64 * MiB, open } }, limit());
    const resume = await arrived.promise;
    await delay(200);
    assert.ok(givenBytes < 32 * MiB, `${givenBytes} bytes were taken from the source`);
    resume();
    assert.equal(await textOf(await sent), "done");
    assert.equal(givenBytes, 64 * MiB);
  });

  test("takes a stream no faster than it is read, however long the reader thinks", async () => {
    let writtenBytes = 0;
    await using fixture = await serve((_request, response) => {
      const write = (): void => {
        while (writtenBytes < 64 * MiB) {
          writtenBytes += MiB;
          if (!response.write(Buffer.alloc(MiB))) return void response.once("drain", write);
        }
        response.end();
      };
      write();
    });
    await using client = openHttpClient({}, { connectMs: 30_000, answerMs: 30_000, idleMs: 1000 });

    const response = await client.send({ method: "GET", url: new URL(fixture.origin) }, limit());
    let seenBytes = 0;
    for await (const chunk of response.body) {
      if (seenBytes === 0) await delay(1500);
      if (seenBytes === 0) assert.ok(writtenBytes < 48 * MiB, `${writtenBytes} bytes were taken from the server`);
      seenBytes += chunk.byteLength;
    }
    assert.equal(seenBytes, 64 * MiB);
  });

  test("stops sending once the answer is there", async () => {
    await using fixture = await serve((_request, response) => response.writeHead(413, { connection: "close" }).end("too large"));
    await using client = openHttpClient({});

    let givenBytes = 0;
    async function* open(): AsyncGenerator<Uint8Array> {
      for (; givenBytes < 1024 * MiB; givenBytes += MiB) {
        await delay(1);
        yield Buffer.alloc(MiB);
      }
    }
    const sent = client.send({ method: "PUT", url: new URL(fixture.origin), body: { sizeBytes: 1024 * MiB, open } }, limit());
    // The server may close before its answer has been read; either way most has not been sent.
    await sent.then((response) => assert.equal(response.status, 413), hasCode("broken"));
    assert.ok(givenBytes < 1024 * MiB);
  });
});

for (const [size, chunkBytes] of [["large", MiB], ["small", 1000]] as const) {
  test(`${size} chunks that are lent have left before the next is asked for`, async () => {
    const bytes = Buffer.from(Array.from({ length: 3 * MiB + 7 }, (_, at) => (at >> 3) % 251));
    const taken = Promise.withResolvers<Buffer>();
    await using fixture = await serve((request, response) => {
      // Nothing is taken at first, so that all that may wait does.
      void delay(50).then(async () => taken.resolve(Buffer.concat(await request.toArray()))).then(() => response.end());
    });
    await using client = openHttpClient({});
    await textOf(await client.send({ method: "PUT", url: new URL(fixture.origin), body: { sizeBytes: bytes.byteLength, open: () => lent(bytes, chunkBytes) } }, limit()));
    assert.ok((await taken.promise).equals(bytes));
  });
}
